"""Where a search looks for a better segmentation recipe; a YAML's `search.space` replaces it."""

from vision_assets.vision.spec import RangeSpec, Space
from vision_assets.vision.tasks.around import choice, descent
from vision_assets.vision.tasks.segmentation.spec import SegmentationRecipe


def search_space(recipe: SegmentationRecipe) -> Space:
    """Around the recipe.

    The size of the input is not searched: masks of another size are compared with other pixels.
    """
    return {
        **descent(recipe),
        "dice": RangeSpec(low=0.0, high=1.0),
        **choice("class_weights", recipe.class_weights, "none", "sqrt"),
    }
