"""Where a search looks for a better segmentation recipe; a YAML's `search.space` replaces it."""

from vision_assets.vision.spec import RangeSpec, Space
from vision_assets.vision.tasks.segmentation.spec import SegmentationRecipe

_HIGHEST_LEARNING_RATE = 10.0


def search_space(recipe: SegmentationRecipe) -> Space:
    """Around the recipe, with its own values among the choices.

    The size of the input is not searched: masks of another size are compared with other pixels.
    """
    choices = {
        "augment": tuple(dict.fromkeys((recipe.augment, "light", "surface"))),
        "class_weights": tuple(dict.fromkeys((recipe.class_weights, "none", "sqrt"))),
    }
    return {
        "learning_rate": RangeSpec(
            low=recipe.learning_rate / 10,
            high=min(recipe.learning_rate * 4, _HIGHEST_LEARNING_RATE),
            log=True,
        ),
        "weight_decay": RangeSpec(low=1e-4, high=max(0.3, recipe.weight_decay), log=True),
        "dice": RangeSpec(low=0.0, high=1.0),
        **choices,
    }
