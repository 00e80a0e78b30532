"""What YAML may say of training whatever the task; a task's own recipe adds to it."""

from typing import Literal

from pydantic import Field

from vision_assets.vision.spec import Spec


class Recipe(Spec):
    """How a network is trained by gradient descent."""

    image_size_px: int = Field(default=128, ge=16, le=1024, description="Side of the square input.")
    epochs: int = Field(default=20, ge=1, le=10_000)
    batch_size: int = Field(default=32, ge=1, le=4096)
    learning_rate: float = Field(
        default=3e-3, gt=0, le=10, description="Peak of the one-cycle schedule."
    )
    weight_decay: float = Field(default=1e-2, ge=0)
    augment: Literal["none", "light", "surface"] = Field(
        default="surface",
        description=(
            "light: flips. surface: flips, quarter turns, zoom, shifts, brightness, contrast."
        ),
    )
    seed: int = Field(
        default=0, ge=0, description="Of the first weights, the order and augmentation."
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="auto: a CUDA device where there is one."
    )
