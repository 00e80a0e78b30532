"""What YAML may say of a detection use case."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from vision_assets.vision.spec import ChampionSpec, FigureNames, GateSpec, PipelineSpec
from vision_assets.vision.spec.names import one_of
from vision_assets.vision.spec.recipe import TiledRecipe
from vision_assets.vision.tasks.network_table import DETECTION

MEAN_AVERAGE_PRECISION_50 = "mean_average_precision_50"


class DetectionRecipe(TiledRecipe):
    """How the network is trained."""

    network: Annotated[str, one_of(DETECTION)] = Field(
        default="small",
        description=(
            "small: our own detector without anchors, which learns from scratch; or the name of a "
            "torchvision detector, such as ssdlite320_mobilenet_v3_large."
        ),
    )
    image_size_px: int = Field(default=160, ge=32, le=1024, description="Side of the square input.")
    epochs: int = Field(default=40, ge=1, le=10_000)
    batch_size: int = Field(default=8, ge=1, le=4096)
    learning_rate: float = Field(
        default=3e-3,
        gt=0,
        le=10,
        description="Peak of the schedule; of torchvision's networks, 1e-4 to 1e-3.",
    )
    average: float | None = Field(
        default=0.99,
        gt=0,
        lt=1,
        description="Keep an exponential moving average of the weights with this decay; or null.",
    )
    overlap: float = Field(
        default=0.5,
        gt=0,
        lt=1,
        description=(
            "IoU from which two boxes of one class are the same object: the weaker one is left out."
        ),
    )
    missed_cost: float = Field(
        default=2.0,
        gt=0,
        le=1000,
        description=(
            "What an object that is not told costs, in boxes told where none is: the score from "
            "which objects of a class are told has the lowest cost on the val split."
        ),
    )
    most_objects: int = Field(
        default=100, ge=1, le=1000, description="Of one picture, those with the highest scores."
    )


class DetectionSpec(PipelineSpec):
    """Attributes of `vision_assets.DetectionPipeline`."""

    learns_from: ClassVar[Literal["label", "objects"]] = "objects"

    measures: ClassVar[FigureNames] = FigureNames(
        sampled=frozenset(("accuracy", "precision", "recall", "f1", MEAN_AVERAGE_PRECISION_50)),
        other=frozenset(
            (
                *("mean_average_precision", "mean_average_precision_75", "average_recall"),
                *("mean_average_precision_small", "mean_average_precision_medium"),
                "mean_average_precision_large",
            )
        ),
        of_class=frozenset(
            (
                *("precision", "recall", "f1", "support", "average_recall"),
                *("average_precision_50", "average_precision", "average_precision_small"),
                *("average_precision_medium", "average_precision_large"),
            )
        ),
    )

    recipe: DetectionRecipe = DetectionRecipe()
    gates: tuple[GateSpec, ...] = (GateSpec(metric=MEAN_AVERAGE_PRECISION_50, min=0.5),)
    champion: ChampionSpec | None = ChampionSpec(metric=MEAN_AVERAGE_PRECISION_50)
