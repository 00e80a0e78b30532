"""Where a search looks by default: around the recipe, whose own values are among the choices."""

from vision_assets.vision.spec import RangeSpec, Recipe, Space

_SIDE_STEP_PX = 32
_LARGEST_SIDE_PX = 1024
_SIDES = (2 / 3, 4 / 3)
_HIGHEST_LEARNING_RATE = 10.0


def descent(recipe: Recipe) -> Space:
    """What every gradient descent is sensitive to.

    The epochs are not searched: the schedule ends where they end, so more of them mostly win,
    and trials of the same length can be compared while they run.
    """
    return {
        "learning_rate": RangeSpec(
            low=recipe.learning_rate / 10,
            high=min(recipe.learning_rate * 4, _HIGHEST_LEARNING_RATE),
            log=True,
        ),
        "weight_decay": RangeSpec(low=1e-4, high=max(0.3, recipe.weight_decay), log=True),
        **choice("augment", recipe.augment, "light", "surface"),
    }


def sides(recipe: Recipe) -> Space:
    """Sides of the input a third smaller and larger, in steps that halve well."""
    steps = [max(1, round(recipe.image_size_px * factor / _SIDE_STEP_PX)) for factor in _SIDES]
    others = [min(step * _SIDE_STEP_PX, _LARGEST_SIDE_PX) for step in steps]
    return choice("image_size_px", recipe.image_size_px, *others)


def choice(name: str, own: str | float, *others: str | float) -> Space:
    """The recipe's own value and others; nothing where there are none."""
    values = tuple(dict.fromkeys((own, *others)))
    return {name: values} if len(values) > 1 else {}
