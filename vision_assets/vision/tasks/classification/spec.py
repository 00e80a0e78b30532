"""What YAML may say of a classification use case."""

from typing import Literal

from pydantic import Field

from vision_assets.vision.spec import GateSpec, PipelineSpec, Recipe


class ClassificationRecipe(Recipe):
    """How the network is trained."""

    network: str = Field(
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

    recipe: ClassificationRecipe = ClassificationRecipe()
    gates: tuple[GateSpec, ...] = (GateSpec(metric="accuracy", min=0.8),)
