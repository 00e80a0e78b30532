"""What a dataset version is made of: classes, splits, expectations."""

from typing import Any, Literal

from pydantic import Field, model_validator

from vision_assets.vision.spec.base import Fraction, Spec

_HARMLESS_NAMES = frozenset({"ok", "good", "normal", "free"})


class ClassSpec(Spec):
    """One class; the id is what is stored, the name can change."""

    id: int = Field(ge=0, description="Stable id, never used again for another class.")
    name: str = Field(min_length=1, description="Name, as labels say it.")
    defect: bool | None = Field(
        default=None,
        description="Whether the class is a defect; default: all but ok, good, normal, free.",
    )
    was: tuple[str, ...] = Field(
        default=(),
        description="Names that it had before; a class that was renamed says so, from then on.",
    )
    merges: tuple[int, ...] = Field(
        default=(), description="Ids of classes that became part of it and are listed no longer."
    )

    def recorded(self) -> dict[str, Any]:
        """As a dataset version keeps it: what is not said is not written."""
        dumped = self.model_dump(mode="json", exclude={"was"})
        return dumped if self.merges else {k: v for k, v in dumped.items() if k != "merges"}

    @property
    def is_defect(self) -> bool:
        """Whether it is a defect, by its name where nobody said so."""
        return self.name.lower() not in _HARMLESS_NAMES if self.defect is None else self.defect


class SplitSpec(Spec):
    """Shares of the splits and what must stay together."""

    train: Fraction = 0.7
    val: Fraction = 0.1
    test: Fraction = 0.2
    seed: int = 0
    group_by: tuple[str, ...] = Field(
        default=(),
        description="Attributes of one group (part, lot): a group is never in two splits.",
    )
    val_of_train: bool = Field(
        default=False,
        description=(
            "For sources that give the splits train and test alone: images given to train go to "
            "val by its share, whole groups at a time."
        ),
    )
    near_duplicate_bits: int = Field(
        default=4,
        ge=0,
        le=16,
        description="Perceptual hashes (64 bits) this close or closer are near duplicates.",
    )

    @model_validator(mode="after")
    def _shares_sum_to_one(self) -> "SplitSpec":
        total = self.train + self.val + self.test
        if abs(total - 1) > 1e-6:
            raise ValueError(f"train + val + test must be 1, got {total:g}")
        return self


class ExpectationSpec(Spec):
    """One Great Expectations expectation over the manifest, its counts or its objects."""

    expectation: str = Field(description="Name, such as expect_column_values_to_be_between.")
    arguments: dict[str, Any] = Field(default_factory=dict, description="Its arguments.")
    table: Literal["images", "counts", "objects"] = Field(
        default="images",
        description=(
            "images: the manifest, and `n_objects`. counts: one row per class and split. objects: "
            "one row per object: `image_id`, `class_id`, `label`, `width`, `height` (px), "
            "`area_share`, `ratio` (width / height), `split`."
        ),
    )
    severity: Literal["critical", "warning"] = "critical"
    name: str | None = Field(
        default=None, description="Name of the check; default: from the expectation."
    )
