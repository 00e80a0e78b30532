"""What a dataset version holds, as a report tells it; the version's own page has the pictures."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath

import pandas as pd

from vision_assets.vision.dataset.card import CARD_FILE
from vision_assets.vision.dataset.object_statistics import ObjectStatistics, object_statistics
from vision_assets.vision.dataset.object_table import OBJECT_COLUMNS, object_table
from vision_assets.vision.dataset.versions import DatasetVersion
from vision_assets.vision.manifest import HELD_OUT, SPLITS

_MOST_SOURCES = 10


@dataclass(frozen=True)
class DataCard:
    """A dataset version in figures.

    Attributes:
        name: of the version.
        fingerprint: of its content.
        created_at: when it was made.
        page: where its own page lies, from the home.
        n: all images of the version.
        splits: images by split.
        classes: one row per class: `label`, then images by split.
        sources: images by the folder that they came in, the largest first.
        batches: deliveries that they came in.
        duplicates: images with the same pixels as another one.
        held_out: labelled images that are in no split, by reason.
        objects: what the objects are like; None where nobody said which there are.
    """

    name: str
    fingerprint: str
    created_at: datetime
    page: str
    n: int
    splits: dict[str, int]
    classes: pd.DataFrame
    sources: dict[str, int]
    batches: int
    duplicates: int
    held_out: dict[str, int]
    objects: ObjectStatistics | None = None


def data_card(version: DatasetVersion) -> DataCard:
    """Read a version's manifest and count.

    Raises:
        DatasetError: the manifest is missing or was changed.
    """
    manifest = version.manifest(["split", "source", "batch_id", "duplicate_of", "held_out_because"])
    folders = manifest["source"].map(_folder)
    return DataCard(
        name=version.name,
        fingerprint=version.fingerprint,
        created_at=version.created_at,
        page="/".join(("datasets", *version.folder.parts[-2:], CARD_FILE)),
        n=len(manifest),
        splits=_counts(manifest["split"]),
        classes=_classes(version),
        sources=dict(list(_counts(folders).items())[:_MOST_SOURCES]),
        batches=int(manifest["batch_id"].nunique()),
        duplicates=int(manifest["duplicate_of"].notna().sum()),
        held_out=_counts(manifest["held_out_because"].dropna()),
        objects=_objects(version),
    )


def _objects(version: DatasetVersion) -> ObjectStatistics | None:
    found = object_statistics(
        object_table(version.manifest(OBJECT_COLUMNS), version.classes), version.classes
    )
    return found if found.n_images else None


def _folder(source: str) -> str:
    folder = PurePath(source).parent
    return str(folder) if folder.parts else "the landing folder itself"


def _classes(version: DatasetVersion) -> pd.DataFrame:
    rows = [
        {"label": entry.name}
        | {split: version.counts.get(entry.name, {}).get(split, 0) for split in _SHOWN}
        for entry in version.classes
    ]
    return pd.DataFrame(rows, columns=pd.Index(["label", *_SHOWN]))


def _counts(values: pd.Series) -> dict[str, int]:
    return {str(value): int(n) for value, n in values.value_counts().items()}


_SHOWN = (*SPLITS, HELD_OUT)
