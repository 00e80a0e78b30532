"""Names that YAML may say, and what is told where it says another."""

from collections.abc import Collection
from difflib import get_close_matches

from pydantic import AfterValidator

_MOST_LISTED = 40


def one_of(names: Collection[str]) -> AfterValidator:
    """Of a field that holds one of these names."""

    def check(name: str) -> str:
        if name not in names:
            raise ValueError(f"expected {choice(name, names)}")
        return name

    return AfterValidator(check)


def choice(wrong: str, allowed: Collection[str]) -> str:
    """What was allowed and what came: `one of max, min, got 'mn'; did you mean min?`"""
    listed = sorted(allowed)
    alike = get_close_matches(wrong, listed, n=3)
    if len(listed) > _MOST_LISTED and alike:
        listed = alike
    likely = f"; did you mean {alike[0]}?" if alike else ""
    return f"one of {', '.join(listed)}, got {wrong!r}{likely}"
