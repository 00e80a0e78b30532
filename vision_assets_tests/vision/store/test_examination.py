"""Images examined together: each as if it were alone, whatever becomes of the others."""

from collections.abc import Callable
from typing import Any

import pytest

from vision_assets.vision.errors import ImageRefused
from vision_assets.vision.inference.decode import Limits
from vision_assets.vision.store import examination
from vision_assets.vision.store.examination import Examined, examine, examine_all
from vision_assets_tests.drawing import draw_jpeg
from vision_assets_tests.vision.store.test_ingest import ACCEPTED, REFUSED

# Good and bad in turn, so that a group of pictures has both.
IMAGES = [data for pair in zip(ACCEPTED.values(), REFUSED.values(), strict=False) for data in pair]


@pytest.mark.parametrize("pixels_at_once", [1, 5_000, 4_000_000])
def test_together_each_is_examined_as_alone(
    monkeypatch: pytest.MonkeyPatch, pixels_at_once: int
) -> None:
    monkeypatch.setattr(examination, "_PIXELS_AT_ONCE", pixels_at_once)
    together = examine_all(IMAGES, Limits())
    assert list(map(_comparable, together)) == [_comparable(_alone(data)) for data in IMAGES]
    assert {type(found) for found in together} == {Examined, ImageRefused}


def test_no_more_pictures_are_in_memory_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    monkeypatch.setattr(examination, "_PIXELS_AT_ONCE", 2 * 64 * 64)
    for step in ("decode_grey", "statistics"):
        monkeypatch.setattr(examination, step, _told(getattr(examination, step), steps))
    examine_all([draw_jpeg(0, side_px=64)] * 3, Limits())
    two = ["decode_grey"] * 2 + ["statistics"] * 2
    assert steps == [*two, "decode_grey", "statistics"]


def test_nothing_is_examined_of_nothing() -> None:
    assert examine_all([], Limits()) == []


def _told(step: Callable[..., Any], steps: list[str]) -> Callable[..., Any]:
    """The step, which adds its name to `steps` when it is taken."""

    def told(*arguments: Any) -> Any:
        steps.append(step.__name__)
        return step(*arguments)

    return told


def _alone(data: bytes) -> Examined | ImageRefused:
    try:
        return examine(data, Limits())
    except ImageRefused as refusal:
        return refusal


def _comparable(found: Examined | ImageRefused) -> object:
    return found if isinstance(found, Examined) else (found.reason, found.detail)
