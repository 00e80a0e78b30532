"""A source of images for tests of dataset versions: a store's frames, made by hand."""

import hashlib
from collections.abc import Iterator, Sequence

import pandas as pd

from vision_assets.vision.manifest import STORE_COLUMNS, TEXT
from vision_assets.vision.objects import AnnotatedObject, to_text
from vision_assets.vision.spec import ClassSpec, PipelineSpec, SourceSpec, SplitSpec
from vision_assets_tests.drawing import CLASSES, draw_jpeg


class MadeImages:
    """Each image is a drawing; what the store would know of it can be set by hand."""

    def __init__(self) -> None:
        self.rows: dict[str, dict] = {}
        self.label_of: dict[str, str] = {}
        self.objects_of: dict[str, str] = {}
        self.data: dict[str, bytes] = {}

    def add(
        self,
        label: str | None = "good",
        objects: Sequence[AnnotatedObject] | None = None,
        **known: object,
    ) -> str:
        """Add one image; its hash is far from all others unless `phash` says otherwise."""
        n = len(self.rows)
        data = draw_jpeg(n, label or "good")
        image_id = hashlib.sha256(data + str(n).encode()).hexdigest()
        scattered = int.from_bytes(hashlib.sha256(str(n).encode()).digest()[:8], "big")
        self.rows[image_id] = {
            "image_id": image_id,
            "source": f"{label}/{n}.jpg",
            "batch_id": "batch",
            "received_at": pd.Timestamp("2026-01-01", tz="UTC") + pd.Timedelta(n, "s"),
            "format": "JPEG",
            "width": 32,
            "height": 32,
            "mode": "L",
            "orientation": 1,
            "size_bytes": len(data),
            "brightness": 100 + n % 50,
            "contrast": 20.0,
            "sharpness": 50.0,
            "phash": scattered,
            "given_split": None,
        } | known
        self.data[image_id] = data
        if label is not None:
            self.label_of[image_id] = label
        if objects is not None:
            self.objects_of[image_id] = to_text(objects)
        return image_id

    def add_many(self, n: int, label: str = "good", **known: object) -> list[str]:
        return [self.add(label, **known) for _ in range(n)]

    def erase(self, image_id: str) -> None:
        del self.data[image_id]

    def erased(self) -> pd.DataFrame:
        return pd.DataFrame({"image_id": [key for key in self.rows if key not in self.data]})

    def images(self, ids: Sequence[str] | None = None) -> pd.DataFrame:
        rows = [row for key, row in self.rows.items() if key in self.data]
        frame = pd.DataFrame(rows, columns=None if rows else [*STORE_COLUMNS, "given_split"])
        types = {name: type_ for name, type_ in STORE_COLUMNS.items() if type_ != TEXT}
        frame = frame.astype(types)
        return frame if ids is None else frame[frame["image_id"].isin(list(ids))]

    def labels(self) -> pd.DataFrame:
        rows = [
            (key, CLASSES.index(label), label, self.objects_of.get(key))
            for key, label in self.label_of.items()
        ]
        return pd.DataFrame(rows, columns=["image_id", "class_id", "label", "objects"])

    def classes(self, declared: tuple[ClassSpec, ...]) -> tuple[ClassSpec, ...]:
        return declared or tuple(ClassSpec(id=i, name=name) for i, name in enumerate(CLASSES))

    def read(self, ids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        for image_id in ids:
            yield image_id, self.data[image_id]


def split_spec(**changes: object) -> SplitSpec:
    """Shares of 60, 20 and 20 %, unless said otherwise."""
    return SplitSpec.model_validate({"train": 0.6, "val": 0.2, "test": 0.2} | changes)


def pipeline(**splits: object) -> PipelineSpec:
    """A spec with these splits."""
    return PipelineSpec(source=SourceSpec(landing="landing"), splits=split_spec(**splits))
