"""Where a search looks for a better detection recipe; a YAML's `search.space` replaces it."""

from vision_assets.vision.spec import RangeSpec, Space
from vision_assets.vision.tasks.detection.spec import DetectionRecipe

_SIDE_STEP_PX = 32
_LARGEST_SIDE_PX = 1024
_HIGHEST_LEARNING_RATE = 10.0
_SIDES = (2 / 3, 4 / 3)


def search_space(recipe: DetectionRecipe) -> Space:
    """Around the recipe, with its own values among the choices.

    The epochs are not searched: the schedule ends where they end, so more of them mostly win,
    and trials of the same length can be compared while they run.
    """
    sides = (
        min(
            max(round(recipe.image_size_px * factor / _SIDE_STEP_PX), 1) * _SIDE_STEP_PX,
            _LARGEST_SIDE_PX,
        )
        for factor in _SIDES
    )
    choices = {
        "augment": tuple(dict.fromkeys((recipe.augment, "light", "surface"))),
        "image_size_px": tuple(dict.fromkeys((recipe.image_size_px, *sides))),
        "overlap": tuple(dict.fromkeys((recipe.overlap, 0.4, 0.6))),
    }
    return {
        "learning_rate": RangeSpec(
            low=recipe.learning_rate / 10,
            high=min(recipe.learning_rate * 4, _HIGHEST_LEARNING_RATE),
            log=True,
        ),
        "weight_decay": RangeSpec(low=1e-4, high=max(0.3, recipe.weight_decay), log=True),
        **{name: values for name, values in choices.items() if len(values) > 1},
    }
