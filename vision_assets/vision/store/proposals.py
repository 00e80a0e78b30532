"""What a model proposes to say of images, and what people make of it.

A proposal is an event whose author is a model, in a table of its own: it is no annotation, so no
dataset version holds it. A person accepts it, which adds an annotation in that person's name, or
rejects it; both stay on record.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pandas as pd

from vision_assets.vision.errors import StoreError
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.records import KINDS, LABEL, OBJECTS, Annotation, digest

ACCEPTED, REJECTED = "accepted", "rejected"
_COLUMNS = ["event_id", "image_id", "kind", "class_id", "label", "geometry", "attributes", "author"]


@dataclass(frozen=True)
class Proposal:
    """What a bundle says of one image.

    Attributes:
        image_id: of the image.
        class_id: of the image, or of its main object.
        label: name of that class.
        score: how sure the bundle is, 0..1.
        objects: all objects as `vision.objects` writes them; None where a label is proposed.
    """

    image_id: str
    class_id: int
    label: str
    score: float
    objects: str | None = None


def add_proposals(store: ImageStore, proposals: Sequence[Proposal], bundle_id: str) -> None:
    """Write proposals; those that the same bundle made before are not written again.

    Raises:
        StoreLocked: another process writes.
    """
    now = datetime.now(UTC)
    with store.writing():
        store.proposal_table.add([_event(each, bundle_id, now) for each in proposals])


def open_proposals(store: ImageStore) -> pd.DataFrame:
    """The latest proposal for each image that nobody has annotated or settled since.

    A label alone does not annotate an image for which objects are proposed.

    Returns:
        proposal_id, image_id, source, kind, class_id, label, objects, score, author; the least
        sure first, as a person's look is worth most there.
    """
    events = store.proposal_table.scan([*_COLUMNS, "supersedes"]).to_pandas()
    settled = events["event_id"].isin(events["supersedes"].dropna())
    annotated = _annotated(events, store.labels())
    found = events[events["kind"].isin(KINDS) & ~settled & ~annotated]
    found = found.drop_duplicates("image_id", keep="last")
    found = found.assign(score=[json.loads(text)["score"] for text in found["attributes"]])
    sources = store.images(found["image_id"].tolist())[["image_id", "source"]]
    renamed = {"event_id": "proposal_id", "geometry": "objects"}
    found = found.merge(sources, on="image_id").rename(columns=renamed)
    columns = ["proposal_id", "image_id", "source", "kind", "class_id", "label", "objects"]
    ordered = found.sort_values(["score", "image_id"], ignore_index=True)
    return ordered[[*columns, "score", "author"]]


def proposed_for(store: ImageStore, bundle_id: str) -> set[str]:
    """Ids of the images for which a bundle has proposed something before."""
    events = store.proposal_table.scan(["image_id", "author"]).to_pandas()
    return set(events["image_id"][events["author"] == _author(bundle_id)])


def settle_proposals(
    store: ImageStore, proposal_ids: Sequence[str], accept: bool, author: str
) -> int:
    """Accept or reject proposals; how many were open and are settled now.

    Args:
        store: which holds them.
        proposal_ids: of open proposals.
        accept: whether they become annotations.
        author: the person who says so.

    Raises:
        StoreError: there is no such open proposal; then none is settled.
        StoreLocked: another process writes.
    """
    with store.writing():
        found = open_proposals(store).set_index("proposal_id")
        missing = sorted(set(proposal_ids) - set(found.index))
        if missing:
            raise StoreError(
                f"{len(missing)} of the proposals are not open, the first is {missing[0]!r}; "
                "list the open ones: vision-assets proposals"
            )
        rows = found.loc[list(dict.fromkeys(proposal_ids))].reset_index().to_dict("records")
        now = datetime.now(UTC)
        if accept:
            labels = store.labels_of([row["image_id"] for row in rows])
            before = dict(zip(labels["image_id"], labels["event_id"], strict=True))
            store.annotation_table.add([_annotation(row, author, now, before) for row in rows])
        said = ACCEPTED if accept else REJECTED
        store.proposal_table.add([_settlement(row, said, author, now) for row in rows])
    return len(rows)


def _annotated(events: pd.DataFrame, labels: pd.DataFrame) -> pd.Series:
    """Whether the image of each proposal has what is proposed: a label, or a list of objects."""
    listed = labels["image_id"][labels["objects"].notna()]
    of_objects = events["kind"] == OBJECTS
    has_label, has_objects = (events["image_id"].isin(ids) for ids in (labels["image_id"], listed))
    return has_objects | (has_label & ~of_objects)


def _author(bundle_id: str) -> str:
    return f"model {bundle_id}"


def _event(proposal: Proposal, bundle_id: str, now: datetime) -> Annotation:
    kind = LABEL if proposal.objects is None else OBJECTS
    return Annotation(
        event_id=digest(kind, proposal.image_id, bundle_id),
        image_id=proposal.image_id,
        kind=kind,
        class_id=proposal.class_id,
        label=proposal.label,
        geometry=proposal.objects,
        attributes=json.dumps({"score": proposal.score}),
        author=_author(bundle_id),
        source="proposal",
        time=now,
        supersedes=None,
    )


def _annotation(row: dict, author: str, now: datetime, before: dict[str, str]) -> Annotation:
    """What an accepted proposal becomes, in place of the label `before`, where there is one."""
    return Annotation(
        event_id=digest(ACCEPTED, row["proposal_id"], author),
        image_id=row["image_id"],
        kind=row["kind"],
        class_id=int(row["class_id"]),
        label=row["label"],
        geometry=row["objects"],
        attributes="{}",
        author=author,
        source=f"proposal of {row['author']}",
        time=now,
        supersedes=before.get(row["image_id"]),
    )


def _settlement(row: dict, said: str, author: str, now: datetime) -> Annotation:
    """What a person made of a proposal."""
    return Annotation(
        event_id=digest(said, row["proposal_id"]),
        image_id=row["image_id"],
        kind=said,
        class_id=None,
        label=None,
        geometry=None,
        attributes="{}",
        author=author,
        source="review",
        time=now,
        supersedes=row["proposal_id"],
    )
