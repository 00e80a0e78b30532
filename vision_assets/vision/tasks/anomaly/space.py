"""Where a search looks for a better anomaly detector; a YAML's `search.space` replaces it."""

from vision_assets.vision.spec import RangeSpec, Space
from vision_assets.vision.tasks.anomaly.spec import AnomalyRecipe

_SIDE_STEP_PX = 32
_LARGEST_SIDE_PX = 1024
_SIDES = (2 / 3, 4 / 3)
_HIGHEST_LEARNING_RATE = 10.0


def search_space(recipe: AnomalyRecipe) -> Space:
    """Around the recipe, with its own values among the choices."""
    sides = [_LARGEST_SIDE_PX, *(round(recipe.image_size_px * f / _SIDE_STEP_PX) for f in _SIDES)]
    other = [min(_LARGEST_SIDE_PX, max(1, steps) * _SIDE_STEP_PX) for steps in sides[1:]]
    found: Space = {"image_size_px": tuple(dict.fromkeys((recipe.image_size_px, *other)))}
    if recipe.method == "memory_bank":
        return found | {
            "neighbours": tuple(dict.fromkeys((recipe.neighbours, 1, 3, 9))),
            "bank_size": tuple(dict.fromkeys((recipe.bank_size, 1024, 4096))),
        }
    return found | {
        "learning_rate": RangeSpec(
            low=recipe.learning_rate / 10,
            high=min(recipe.learning_rate * 4, _HIGHEST_LEARNING_RATE),
            log=True,
        ),
        "weight_decay": RangeSpec(low=1e-4, high=max(0.3, recipe.weight_decay), log=True),
        "augment": tuple(dict.fromkeys((recipe.augment, "light", "surface"))),
    }
