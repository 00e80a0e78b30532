"""Where images come from, and what is accepted as one."""

import re
from pathlib import PurePosixPath
from typing import Literal

from pydantic import Field, field_validator, model_validator

from vision_assets.vision.manifest import RESERVED_COLUMNS
from vision_assets.vision.spec.annotations import AnnotationErrors, MaskSpec
from vision_assets.vision.spec.base import HomePath, Spec

LabelSource = Literal["folder", "pattern", "csv", "none", "voc", "yolo", "coco", "masks", "mvtec"]

WITH_OBJECTS: tuple[LabelSource, ...] = ("coco", "masks", "mvtec", "voc", "yolo")
"""Sources whose annotation files say which objects are on an image."""


class BatchSpec(Spec):
    """Bounds of one ingest batch; whichever is reached first closes it."""

    max_files: int = Field(default=1000, ge=1, description="Files in one batch.")
    max_bytes: int = Field(default=512 * 1024 * 1024, ge=1, description="Bytes in one batch.")
    max_wait_s: float = Field(
        default=10,
        ge=0,
        description="A batch that is not full is taken once its oldest file is this old.",
    )


class SourceSpec(Spec):
    """Where images come from and how a file tells its label."""

    landing: HomePath = Field(description="Landing folder; a relative path is inside the home.")
    label: LabelSource = Field(
        default="folder",
        description=(
            "folder: the name of the folder an image lies in. pattern: the group `label` of "
            "`pattern`. csv: a table `csv` with columns `file`, `label`. none: unlabelled. With "
            "objects: voc: Pascal VOC. yolo: texts with boxes or outlines. coco: JSON with boxes, "
            "outlines or masks. masks: a mask per image. mvtec: the layout of MVTec AD."
        ),
    )
    pattern: str | None = Field(
        default=None,
        description=(
            "Regular expression with named groups, matched in full against the file name (or the "
            "path below the landing folder where the expression holds a `/`). The group `label` is "
            "the label, `split` a given split, `file` is not allowed; all others become "
            "attributes such as line, camera, lot, part."
        ),
    )
    csv: str | None = Field(
        default=None,
        description="CSV below the landing folder: `file`, `label`, `split`, attributes.",
    )
    annotations: str | None = Field(
        default=None,
        description=(
            "Below the landing folder. voc, masks: folder of the annotation files; default: "
            "around each image. coco: JSON file, or a glob of several; default `**/*.json`. yolo: "
            "`data.yaml`, default: the nearest one above an image; or a folder of texts."
        ),
    )
    first_pixel: Literal[0, 1] = Field(
        default=0,
        description=(
            "Of voc. 0: numbers are edges, as most tools write them. 1: numbers count pixels from "
            "1, the last one is inside, as VOC's own development kit does."
        ),
    )
    masks: MaskSpec = MaskSpec()
    annotation_errors: AnnotationErrors = AnnotationErrors()
    ignore: tuple[str, ...] = Field(
        default=(),
        description=(
            "Files of the landing folder that are none of the images: globs, matched from the "
            "right, such as `*.xml`, `masks/*`."
        ),
    )
    after: Literal["keep", "move", "delete"] = Field(
        default="keep",
        description="What becomes of a file that was taken; move: to `taken/` beside it.",
    )
    settle_s: float = Field(
        default=5, ge=0, description="A file is taken once it has not changed for this long."
    )
    batch: BatchSpec = BatchSpec()

    @property
    def says_objects(self) -> bool:
        """Whether annotation files say which objects are on an image."""
        return self.label in WITH_OBJECTS

    @field_validator("pattern")
    @classmethod
    def _pattern_compiles(cls, pattern: str | None) -> str | None:
        if pattern is None:
            return None
        try:
            groups = set(re.compile(pattern).groupindex)
        except re.error as error:
            raise ValueError(f"expected a regular expression, got {pattern!r}: {error}") from error
        taken = sorted(groups & RESERVED_COLUMNS - {"label", "split", "group"})
        if taken:
            raise ValueError(f"the groups {taken} are names of the manifest; choose others")
        return pattern

    @model_validator(mode="after")
    def _label_has_its_source(self) -> "SourceSpec":
        if self.label == "pattern" and (
            self.pattern is None or "label" not in re.compile(self.pattern).groupindex
        ):
            raise ValueError("label: pattern needs `pattern` with a group (?P<label>...)")
        if self.label == "csv" and self.csv is None:
            raise ValueError("label: csv needs `csv`, the table's path below the landing folder")
        for name in ("csv", "annotations"):
            path = PurePosixPath(getattr(self, name) or "")
            if path.is_absolute() or ".." in path.parts:
                raise ValueError(f"`{name}` must lie below the landing folder")
        return self


class ImageRules(Spec):
    """What is accepted as an image."""

    min_side_px: int = Field(default=16, ge=1, description="Shortest side.")
    max_pixels: int = Field(default=50_000_000, ge=1, description="Width times height.")
    max_bytes: int = Field(default=64 * 1024 * 1024, ge=1, description="Length of the file.")
