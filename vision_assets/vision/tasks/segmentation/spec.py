"""What YAML may say of a segmentation use case."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from vision_assets.vision.spec import (
    Augmentation,
    ChampionSpec,
    FigureNames,
    GateSpec,
    PipelineSpec,
    TiledRecipe,
)
from vision_assets.vision.spec.names import one_of
from vision_assets.vision.tasks.network_table import SEGMENTATION


class SegmentationRecipe(TiledRecipe):
    """How the network is trained."""

    network: Annotated[str, one_of(SEGMENTATION)] = Field(
        default="small",
        description="small: our own U-Net; or the name of a segmentation network of torchvision.",
    )
    image_size_px: int = Field(default=128, ge=16, le=1024, description="Side of the square input.")
    epochs: int = Field(default=40, ge=1, le=10_000)
    batch_size: int = Field(default=8, ge=1, le=4096)
    learning_rate: float = Field(
        default=1e-3,
        gt=0,
        le=10,
        description="Peak of the schedule; with weights that are trained already, 1e-4 to 1e-3.",
    )
    augment: Augmentation = Field(
        default="light",
        description=(
            "light: flips, which keep the grain of a surface, by which regions are told. The "
            "others, as in all tasks, want longer trainings."
        ),
    )
    dice: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Share of the Dice loss; the rest is cross-entropy over pixels.",
    )
    class_weights: Literal["none", "sqrt", "inverse"] = Field(
        default="sqrt",
        description=(
            "Pixels of rare classes count more in the cross-entropy: by the inverse of the "
            "class's share of pixels, or by its square root; at most 10 times as much as others."
        ),
    )
    object_share: float | None = Field(
        default=0.5,
        gt=0,
        lt=1,
        description=(
            "Least share of the views drawn in an epoch that show an object, rare classes more "
            "often than frequent ones; null: every view is shown once."
        ),
    )
    min_region_px: int = Field(
        default=8,
        ge=1,
        description="Regions of fewer pixels, as the network sees them, are left out of answers.",
    )


class SegmentationSpec(PipelineSpec):
    """Attributes of `vision_assets.SegmentationPipeline`."""

    learns_from: ClassVar[Literal["label", "objects"]] = "objects"

    measures: ClassVar[FigureNames] = FigureNames(
        sampled=frozenset(
            (
                *("mean_iou", "mean_dice", "mean_precision", "mean_recall", "boundary_f1"),
                *("defect_iou", "defect_dice", "defect_precision", "defect_recall"),
                *("pixel_accuracy", "image_accuracy"),
            )
        ),
        other=frozenset(),
        of_class=frozenset(
            ("iou", "dice", "precision", "recall", "boundary_f1", "support", "pixels")
        ),
    )

    recipe: SegmentationRecipe = SegmentationRecipe()
    gates: tuple[GateSpec, ...] = (GateSpec(metric="mean_iou", min=0.5),)
    champion: ChampionSpec | None = ChampionSpec(metric="mean_iou")
