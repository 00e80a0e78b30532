"""Where a search looks for a better detection recipe; a YAML's `search.space` replaces it."""

from vision_assets.vision.spec import Space
from vision_assets.vision.tasks.around import choice, descent, sides
from vision_assets.vision.tasks.detection.spec import DetectionRecipe


def search_space(recipe: DetectionRecipe) -> Space:
    """Around the recipe."""
    return descent(recipe) | sides(recipe) | choice("overlap", recipe.overlap, 0.4, 0.6)
