"""What YAML may say of an anomaly detection use case."""

from collections.abc import Collection, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from vision_assets.vision.spec import (
    Augmentation,
    ChampionSpec,
    ClassSpec,
    FigureNames,
    GateSpec,
    PipelineSpec,
    Spec,
    SplitSpec,
    TiledRecipe,
)
from vision_assets.vision.spec.names import one_of
from vision_assets.vision.tasks.network_table import CLASSIFICATION

Method = Literal["synthetic_defects", "memory_bank"]


class AnomalyRecipe(TiledRecipe):
    """How it is learned what normal images look like."""

    method: Method = Field(
        default="synthetic_defects",
        description=(
            "synthetic_defects: a small network learns, from scratch, to find defects that are "
            "painted onto normal images. memory_bank: patches are compared with a bank of normal "
            "ones, by the features of a trained `backbone`."
        ),
    )
    image_size_px: int = Field(default=192, ge=16, le=1024, description="Side of the square input.")
    epochs: int = Field(default=30, ge=1, le=10_000)
    learning_rate: float = Field(
        default=3e-3, gt=0, le=10, description="Peak of the schedule of synthetic_defects."
    )
    augment: Augmentation = Field(
        default="light",
        description=(
            "As of the other tasks; light, flips alone, keeps the grain of a surface as the "
            "service sees it."
        ),
    )
    backbone: Annotated[str, one_of(CLASSIFICATION)] = Field(
        default="small",
        description=(
            "Of memory_bank: a classification network, `small` or torchvision's name, whose "
            "`weights` should be trained, such as those of a classification use case."
        ),
    )
    bank_size: int = Field(
        default=2048, ge=16, le=65_536, description="Of memory_bank: patches that it keeps."
    )
    neighbours: int = Field(
        default=3, ge=1, le=16, description="Of memory_bank: nearest patches that count."
    )


class FalseAlarmSpec(Spec):
    """How often a normal part may be refused; the threshold follows from it."""

    rate: float = Field(
        default=0.05, gt=0, lt=1, description="Share of normal parts that may be refused."
    )
    confidence: float = Field(
        default=0.95,
        gt=0.5,
        lt=1,
        description="How sure it is that the threshold keeps the rate, over draws of val images.",
    )
    review: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description=(
            "Share of normal parts that may be refused or looked at by a person: parts above the "
            "threshold of this larger rate go to review; null: every part is decided."
        ),
    )

    @model_validator(mode="after")
    def _review_is_wider(self) -> "FalseAlarmSpec":
        if self.review is not None and self.review <= self.rate:
            raise ValueError(
                f"expected false_alarms.review above false_alarms.rate, which is {self.rate:g}, "
                f"got {self.review:g}"
            )
        return self


class AnomalySplitSpec(SplitSpec):
    """Shares of the splits; the threshold needs normal images that nothing was learned from."""

    val_of_train: bool = Field(
        default=True,
        description=(
            "For sources that give the splits train and test alone: images given to train go to "
            "val by its share, whole groups at a time."
        ),
    )


class AnomalySpec(PipelineSpec):
    """Attributes of `vision_assets.AnomalyPipeline`."""

    decided_by: ClassVar[tuple[str, ...]] = ("false_alarms",)

    measures: ClassVar[FigureNames] = FigureNames(
        sampled=frozenset(
            (
                *("accuracy", "precision", "recall", "specificity", "f1"),
                *("auroc", "average_precision"),
            )
        ),
        other=frozenset(("pixel_auroc", "pixel_f1", "pro")),
        of_class=frozenset(("recall", "auroc", "score", "support")),
    )

    splits: AnomalySplitSpec = AnomalySplitSpec()
    recipe: AnomalyRecipe = AnomalyRecipe()
    gates: tuple[GateSpec, ...] = (GateSpec(metric="auroc", min=0.8),)
    champion: ChampionSpec | None = Field(
        default=ChampionSpec(metric="auroc"),
        description="null: a model need not be as good as the one before.",
    )
    false_alarms: FalseAlarmSpec = FalseAlarmSpec()

    def test_only(self, classes: Sequence[ClassSpec]) -> Collection[int]:
        """The defects: what is normal is learned from normal images alone."""
        return [entry.id for entry in classes if entry.is_defect]
