import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_assets.vision.inference.geometry.windows import Window, tiled, whole

SIDES = st.integers(1, 200)


@given(SIDES, SIDES, st.integers(16, 250), st.floats(0, 0.8))
def test_tiles_cover_the_picture_and_lie_inside(height: int, width: int, tile: int, overlap: float):
    seen = np.zeros((height, width), bool)
    for window in tiled(height, width, tile, overlap).windows:
        assert window.of(seen).shape == (min(tile, height), min(tile, width))
        window.of(seen)[:] = True
    assert seen.all()


@pytest.mark.parametrize(("overlap", "n"), [(0.0, 4), (0.5, 9)])
def test_neighbours_overlap_at_least_as_much_as_asked(overlap: float, n: int):
    assert len(tiled(200, 200, 100, overlap).windows) == n


def test_windows_are_scaled_for_drawing():
    assert whole(100, 200).scaled_to(50, 100).windows == (Window(0, 0, 100, 50),)
