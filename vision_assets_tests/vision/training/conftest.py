"""Few images, for trainings that only have to run."""

import pytest

from vision_assets_tests.vision.dataset.drawn_dataset import DrawnDataset, draw_dataset


@pytest.fixture(scope="session")
def few() -> DrawnDataset:
    return draw_dataset(per_class=10)
