"""How a network is trained."""

from typing import Literal

from pydantic import Field

from vision_assets.vision.inference.bundle import InputSize, Tiling
from vision_assets.vision.spec.base import HomePath, Spec

Augmentation = Literal["none", "light", "upright", "surface", "colour"]


class Recipe(Spec):
    """How a network is trained by gradient descent."""

    image_size_px: int = Field(default=96, ge=16, le=1024, description="Side of the square input.")
    epochs: int = Field(default=40, ge=1, le=10_000)
    batch_size: int = Field(default=16, ge=1, le=4096)
    learning_rate: float = Field(
        default=6e-3,
        gt=0,
        le=10,
        description="Peak of the schedule; with weights that are trained already, 1e-4 to 1e-3.",
    )
    schedule: Literal["one_cycle", "cosine", "constant"] = Field(
        default="one_cycle",
        description=(
            "one_cycle: up for a fifth of the training, then down to nearly nothing. cosine: down "
            "after a short rise. constant: after a short rise."
        ),
    )
    weight_decay: float = Field(default=2e-2, ge=0)
    augment: Augmentation = Field(
        default="surface",
        description=(
            "light: flips. surface: flips, quarter turns, zoom, shifts, brightness, contrast. "
            "upright: as surface, but nothing is flipped or turned. colour: as surface, and "
            "tint and saturation."
        ),
    )
    weights: HomePath = Field(
        default="auto",
        pattern="^(auto|none|file:.+)$",
        description=(
            "What the network starts from. auto: weights that torchvision publishes where they "
            "lie in torch's cache on this machine, else from scratch; nothing is downloaded. "
            "none: from scratch. file:PATH: weights.safetensors of a trained model, or "
            "torchvision's .pth; a relative path is inside the home."
        ),
    )
    weights_sha256: str | None = Field(
        default=None,
        pattern="^[0-9a-f]{8,64}$",
        description="What the SHA-256 of that file begins with; .pth files carry 8 digits of it.",
    )
    average: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Keep an exponential moving average of the weights with this decay: 0.999.",
    )
    keep: Literal["last", "best"] = Field(
        default="last", description="best: of the epoch with the lowest loss on the val split."
    )
    patience: int | None = Field(
        default=None,
        ge=1,
        description="Stop after this many epochs without a lower loss on the val split.",
    )
    precision: Literal["auto", "fp32", "amp"] = Field(
        default="fp32",
        description="amp: bfloat16 where it is safe. auto: amp on a CUDA device that has it.",
    )
    seed: int = Field(
        default=0, ge=0, description="Of the first weights, the order and augmentation."
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="auto: a CUDA device where there is one."
    )

    def input_size(self) -> InputSize:
        """What the model takes."""
        return InputSize(height_px=self.image_size_px, width_px=self.image_size_px)


class TilesSpec(Spec):
    """How large pictures are cut into tiles, in training and in serving."""

    size_px: int = Field(ge=16, description="Side of a tile in the picture; overlaps cover it all.")
    overlap: float = Field(
        default=0.2, ge=0, le=0.8, description="Share of a side that tiles have in common."
    )


class TiledRecipe(Recipe):
    """How a network is trained that says where something is."""

    tiles: TilesSpec | None = Field(
        default=None, description="For pictures much larger than image_size_px; null: seen at once."
    )

    def input_size(self) -> InputSize:
        """What the model takes."""
        whole = super().input_size()
        if self.tiles is None:
            return whole
        tiling = Tiling(tile_px=self.tiles.size_px, overlap=self.tiles.overlap)
        return whole.model_copy(update={"tiling": tiling})


RecipeSource = Literal["yaml", "proposal"]
"""Whose recipe a training takes: the YAML's, or the one that the last search proposes."""
