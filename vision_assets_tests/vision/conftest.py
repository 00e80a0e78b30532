"""A small trained model and its bundle, made once for all tests that read them."""

from pathlib import Path

import pytest

from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.tasks.classification.spec import ClassificationRecipe
from vision_assets.vision.tasks.registry import load_task
from vision_assets.vision.training.trained_model import TrainedModel
from vision_assets_tests.vision.dataset.drawn_dataset import DATASET, DrawnDataset, draw_dataset

QUICK = ClassificationRecipe(image_size_px=32, epochs=8, batch_size=16)


@pytest.fixture(scope="session")
def drawn() -> DrawnDataset:
    return draw_dataset(per_class=40)


@pytest.fixture(scope="session")
def trained(drawn: DrawnDataset, tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    from vision_assets.vision.training.fit import fit

    root = tmp_path_factory.mktemp("models")
    task = load_task("classification")
    return fit(task, drawn.manifest, drawn.read, QUICK, drawn.classes, root, DATASET, threads=1)


@pytest.fixture(scope="session")
def bundle(trained: TrainedModel, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    from vision_assets.vision.export import export

    return export(load_task("classification"), trained, tmp_path_factory.mktemp("bundles"), "drawn")


@pytest.fixture
def own_bundle(bundle: Bundle, tmp_path: Path) -> Path:
    """A copy of the bundle's folder that a test may damage."""
    import shutil

    return Path(shutil.copytree(bundle.folder, tmp_path / bundle.bundle_id))
