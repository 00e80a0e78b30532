"""Where a search looks for a better classification recipe; a YAML's `search.space` replaces it."""

from vision_assets.vision.spec import RangeSpec, Space
from vision_assets.vision.tasks.around import choice, descent, sides
from vision_assets.vision.tasks.classification.spec import ClassificationRecipe


def search_space(recipe: ClassificationRecipe) -> Space:
    """Around the recipe."""
    return {
        **descent(recipe),
        "label_smoothing": RangeSpec(low=0, high=max(0.2, recipe.label_smoothing)),
        **sides(recipe),
        **choice("network", recipe.network, "small"),
    }
