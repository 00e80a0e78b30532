"""What all tests share: the real data sets, and landing folders of drawn images."""

import os
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from vision_assets_tests.drawing import CLASSES, draw_jpeg

REAL_DATA_VARIABLE = "VISION_ASSETS_TEST_DATA"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with neu-steel/, magnetic-tile/ and bccd/; skips loudly, fails in CI."""
    named = os.environ.get(REAL_DATA_VARIABLE)
    if named and Path(named, "neu-steel").is_dir():
        return Path(named)
    missing = (
        f"expected {REAL_DATA_VARIABLE} to name the folder that holds neu-steel/, got {named!r}; "
        "the test on real images does not run"
    )
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    warnings.warn(missing, stacklevel=1)
    pytest.skip(missing)


@pytest.fixture
def draw_folder(tmp_path: Path) -> Callable[..., Path]:
    """Draws `per_class` JPEGs per class to `<folder>/<class>/<class>_<n>.jpg`."""

    def draw(per_class: int, classes: tuple[str, ...] = CLASSES, folder: str = "landing") -> Path:
        for label in classes:
            (tmp_path / folder / label).mkdir(parents=True, exist_ok=True)
            for seed in range(per_class):
                path = tmp_path / folder / label / f"{label}_{seed}.jpg"
                path.write_bytes(draw_jpeg(seed, label))
        return tmp_path / folder

    return draw
