"""What YAML may say of a classification use case."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from vision_assets.vision.spec import FigureNames, GateSpec, PipelineSpec, Recipe
from vision_assets.vision.spec.names import one_of
from vision_assets.vision.tasks.network_table import CLASSIFICATION


class ClassificationRecipe(Recipe):
    """How the network is trained."""

    network: Annotated[str, one_of(CLASSIFICATION)] = Field(
        default="small",
        description="small: our own residual network; or a torchvision network's name.",
    )
    label_smoothing: float = Field(default=0.05, ge=0, lt=1)
    imbalance: Literal["none", "weights", "sampler"] = Field(
        default="none",
        description=(
            "Where some classes have few images. weights: their images count more, by the "
            "inverse square root of their number. sampler: every class is shown equally often."
        ),
    )


class ClassificationSpec(PipelineSpec):
    """Attributes of `vision_assets.ClassificationPipeline`."""

    measures: ClassVar[FigureNames] = FigureNames(
        sampled=frozenset(
            ("accuracy", "balanced_accuracy", "macro_precision", "macro_recall", "macro_f1")
        ),
        other=frozenset(("macro_average_precision", "macro_auroc", "calibration_error")),
        of_class=frozenset(("precision", "recall", "f1", "average_precision", "auroc", "support")),
    )

    recipe: ClassificationRecipe = ClassificationRecipe()
    gates: tuple[GateSpec, ...] = (GateSpec(metric="accuracy", min=0.8),)
