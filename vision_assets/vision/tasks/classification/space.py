"""Where a search looks for a better classification recipe; a YAML's `search.space` replaces it."""

from vision_assets.vision.spec import RangeSpec, Space
from vision_assets.vision.tasks.classification.spec import ClassificationRecipe

_SIDE_STEP_PX = 32
_LARGEST_SIDE_PX = 1024
_HIGHEST_LEARNING_RATE = 10.0
_SIDES = (2 / 3, 4 / 3)


def search_space(recipe: ClassificationRecipe) -> Space:
    """Around the recipe, with its own values among the choices.

    The epochs are not searched: the schedule ends where they end, so more of them mostly win,
    and trials of the same length can be compared while they run.
    """
    choices = {
        "augment": _with(recipe.augment, "light", "surface"),
        "image_size_px": _with(recipe.image_size_px, *_other_sides(recipe.image_size_px)),
        "network": _with(recipe.network, "small"),
    }
    return {
        "learning_rate": RangeSpec(
            low=recipe.learning_rate / 10,
            high=min(recipe.learning_rate * 4, _HIGHEST_LEARNING_RATE),
            log=True,
        ),
        "weight_decay": RangeSpec(low=1e-4, high=max(0.3, recipe.weight_decay), log=True),
        "label_smoothing": RangeSpec(low=0, high=max(0.2, recipe.label_smoothing)),
        **{name: values for name, values in choices.items() if len(values) > 1},
    }


def _with(own: str | int, *others: str | int) -> tuple[str | int, ...]:
    return tuple(dict.fromkeys((own, *others)))


def _other_sides(side_px: int) -> list[int]:
    """Sides a third smaller and larger, in steps that halve well."""
    steps = [max(1, round(side_px * factor / _SIDE_STEP_PX)) for factor in _SIDES]
    return [min(step * _SIDE_STEP_PX, _LARGEST_SIDE_PX) for step in steps]
