"""What YAML may say of the toy task."""

from pydantic import Field

from vision_assets.vision.spec import GateSpec, PipelineSpec, Recipe


class ToyRecipe(Recipe):
    """How the brightness of each class is learned."""

    sharpness: float = Field(default=20, gt=0, description="How sure it is of the nearest class.")


class ToySpec(PipelineSpec):
    """Attributes of the toy pipeline."""

    recipe: ToyRecipe = ToyRecipe()
    gates: tuple[GateSpec, ...] = (GateSpec(metric="accuracy", min=0.0),)
