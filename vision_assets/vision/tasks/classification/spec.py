"""What YAML may say of a classification use case."""

from typing import Literal

from pydantic import Field

from vision_assets.vision.spec import GateSpec, PipelineSpec, Spec


class ClassificationRecipe(Spec):
    """How the network is trained."""

    network: str = Field(
        "small", description="small: our own residual network; or a torchvision network's name."
    )
    image_size_px: int = Field(128, ge=16, le=1024, description="Side of the square input.")
    epochs: int = Field(20, ge=1, le=10_000)
    batch_size: int = Field(32, ge=1, le=4096)
    learning_rate: float = Field(3e-3, gt=0, le=10, description="Peak of the one-cycle schedule.")
    weight_decay: float = Field(1e-2, ge=0)
    label_smoothing: float = Field(0.05, ge=0, lt=1)
    augment: Literal["none", "light", "surface"] = Field(
        "surface", description="light: flips. surface: flips, quarter turns, shifts, brightness."
    )
    seed: int = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"


class ClassificationSpec(PipelineSpec):
    """Attributes of `vision_assets.ClassificationPipeline`."""

    recipe: ClassificationRecipe = ClassificationRecipe()
    gates: tuple[GateSpec, ...] = (GateSpec(metric="accuracy", min=0.8),)
