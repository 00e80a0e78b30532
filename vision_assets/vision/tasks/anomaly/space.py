"""Where a search looks for a better anomaly detector; a YAML's `search.space` replaces it."""

from vision_assets.vision.spec import Space
from vision_assets.vision.tasks.anomaly.spec import AnomalyRecipe
from vision_assets.vision.tasks.around import choice, descent, sides


def search_space(recipe: AnomalyRecipe) -> Space:
    """Around the recipe."""
    if recipe.method == "memory_bank":
        return {
            **sides(recipe),
            **choice("neighbours", recipe.neighbours, 1, 3, 9),
            **choice("bank_size", recipe.bank_size, 1024, 4096),
        }
    return sides(recipe) | descent(recipe)
