"""What waits, for whom, and the command with which it goes on."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dagster as dg

from vision_assets.assets.graph import SUSPICION, asset_key, latest_metadata
from vision_assets.automation.new_images import given_up
from vision_assets.resources.home import HomeResource
from vision_assets.vision.errors import LandingUnreadable
from vision_assets.vision.use_case import UseCase

if TYPE_CHECKING:
    from vision_assets.vision.store.image_store import ImageStore

PERSON, SENSOR = "a person", "the daemon"


@dataclass(frozen=True)
class Wait:
    """Something that waits.

    Attributes:
        what: in words, in the plural.
        number: how many.
        whom: for whom.
        command: with which it goes on; empty where nothing is to be done.
        can_wait: whether nothing is held up by it.
    """

    what: str
    number: int
    whom: str
    command: str = ""
    can_wait: bool = False

    def __str__(self) -> str:
        return f"{self.what}: {self.number}"


def waits(
    instance: dg.DagsterInstance, home: HomeResource, use_case: UseCase, files: int | None
) -> list[Wait]:
    """All that waits now; what waits for nobody is left out.

    Args:
        instance: whose runs count.
        home: where the images are.
        use_case: to look at.
        files: what `waiting_files` gave.
    """
    found = (
        *_of_the_landing_folder(instance, home, use_case, files or 0),
        *_of_the_store(home.image_store(use_case), use_case.name),
        _suspects(instance, use_case),
    )
    return [wait for wait in found if wait.number]


def refused(home: HomeResource, use_case: UseCase) -> dict[str, int]:
    """Items of the quarantine that are open, by reason, most first."""
    quarantine = home.image_store(use_case).quarantine()
    counts = quarantine.loc[~quarantine["settled"], "reason"].value_counts()
    return {str(reason): int(number) for reason, number in counts.items()}


def waiting_files(home: HomeResource, use_case: UseCase) -> int | None:
    """Files that are to be ingested; None where the landing folder cannot be listed."""
    from vision_assets.vision.store.landing import waiting_and_open

    source, store = use_case.spec.source, home.image_store(use_case)
    landing, batches = home.home.landing(source.landing), home.home.batches(use_case.name)
    try:
        settled, opened = waiting_and_open(landing, store, source, batches, time.time())
    except LandingUnreadable:
        return None
    return sum(batch.n_files for batch in opened) + len(settled)


def _of_the_landing_folder(
    instance: dg.DagsterInstance, home: HomeResource, use_case: UseCase, files: int
) -> Iterator[Wait]:
    stuck = min(files, given_up(instance, home, use_case))
    by_itself = use_case.spec.triggers.new_images
    ingest = f"vision-assets ingest {use_case.name}"
    yield Wait("files of batches that failed again and again", stuck, PERSON, ingest)
    if by_itself:
        yield Wait("files in the landing folder", files - stuck, SENSOR)
    else:
        yield Wait("files in the landing folder", files - stuck, PERSON, ingest)


def _of_the_store(store: "ImageStore", name: str) -> Iterator[Wait]:
    from vision_assets.vision.store.proposals import open_proposals

    quarantine, proposals, labels = store.quarantine(), open_proposals(store), store.labels()
    proposed = int((~proposals["image_id"].isin(labels["image_id"])).sum())
    unlabelled = store.image_table.count() - len(store.erased()) - len(labels)
    open_items = int((~quarantine["settled"]).sum())
    yield Wait("refused images in quarantine", open_items, PERSON, f"vision-assets resolve {name}")
    yield Wait("proposals to review", len(proposals), PERSON, f"vision-assets proposals {name}")
    yield Wait(
        "images without a label and without a proposal",
        max(0, unlabelled - proposed),
        PERSON,
        f"vision-assets propose {name}",
        can_wait=True,
    )


def _suspects(instance: dg.DagsterInstance, use_case: UseCase) -> Wait:
    """Labels that label_suspicion listed last; where they were mended it is to be run again."""
    number = latest_metadata(instance, asset_key(use_case, SUSPICION), "suspects") or 0
    command = f"vision-assets suspects {use_case.name}"
    return Wait("labels that may be wrong", number, PERSON, command, can_wait=True)
