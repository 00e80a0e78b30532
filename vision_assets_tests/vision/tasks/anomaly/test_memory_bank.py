"""The memory bank: trained weights as its backbone, bounded memory, the same bank again."""

from pathlib import Path

import numpy as np
import pytest
import torch

from vision_assets.vision.errors import TrainingError
from vision_assets.vision.evaluation.evaluate import evaluate
from vision_assets.vision.export import export
from vision_assets.vision.parity import check_parity
from vision_assets.vision.tasks.anomaly.fitting import fill_bank
from vision_assets.vision.tasks.anomaly.memory_bank import MemoryBank
from vision_assets.vision.tasks.anomaly.network import build
from vision_assets.vision.tasks.anomaly.spec import AnomalyRecipe
from vision_assets.vision.tasks.registry import load_task
from vision_assets.vision.tasks.task import Samples
from vision_assets.vision.training.checkpoint import Checkpoint
from vision_assets.vision.training.fit import fit
from vision_assets.vision.training.progress import ignore_progress
from vision_assets.vision.training.trained_model import TrainedModel
from vision_assets_tests.vision.dataset.drawn_dataset import DATASET, DrawnDataset

BANK = {"method": "memory_bank", "image_size_px": 32, "epochs": 2, "bank_size": 64}


@pytest.fixture(scope="module")
def recipe(trained: TrainedModel) -> AnomalyRecipe:
    weights = trained.folder / "weights.safetensors"
    return AnomalyRecipe.model_validate(BANK | {"weights": f"file:{weights}"})


def train(recipe: AnomalyRecipe, drawn: DrawnDataset, root: Path) -> TrainedModel:
    task = load_task("anomaly")
    return fit(task, drawn.manifest, drawn.read, recipe, drawn.classes, root, DATASET, threads=1)


def test_features_of_a_trained_classifier_tell_defects(
    recipe: AnomalyRecipe, drawn: DrawnDataset, tmp_path: Path
):
    task = load_task("anomaly")
    model = train(recipe, drawn, tmp_path / "models")
    bundle = export(task, model, tmp_path / "bundles", "drawn")
    assert model.first_weights == "a model of ours, weights.safetensors"
    assert check_parity(task, model, bundle, drawn.images.items()).passed
    assert evaluate(task, bundle, drawn.test, drawn.read).metrics["auroc"] > 0.9


def test_training_again_gives_the_same_bank(
    recipe: AnomalyRecipe, drawn: DrawnDataset, tmp_path: Path
):
    assert (
        train(recipe, drawn, tmp_path / "1").model_id
        == train(recipe, drawn, tmp_path / "2").model_id
    )


def fill(n: int, checkpoint: Checkpoint, n_parts: int = 2, **changes: object) -> MemoryBank:
    recipe = AnomalyRecipe.model_validate(BANK | {"epochs": n_parts} | changes)
    torch.manual_seed(0)
    network = build(recipe, 2)
    assert isinstance(network, MemoryBank)
    pixels = np.random.default_rng(0).integers(0, 256, (n, 32, 32, 3), np.uint8)
    normal = Samples(pixels, np.ones(n, bool))
    cpu = torch.device("cpu")
    fill_bank(network, normal, normal, recipe, cpu, ignore_progress, checkpoint)
    return network


def test_a_pass_that_was_killed_ends_as_one_that_was_not(tmp_path: Path):
    class Killed(Checkpoint):
        def save(self, state: dict) -> None:
            super().save(state)
            if len(state["history"]) == 2:
                raise KeyboardInterrupt

    path = tmp_path / "state.safetensors"
    with pytest.raises(KeyboardInterrupt):
        fill(60, Killed(path), n_parts=4)
    resumed, whole = fill(60, Checkpoint(path), n_parts=4), fill(60, Checkpoint(), n_parts=4)
    assert torch.equal(resumed.bank, whole.bank)


def test_ten_times_the_images_need_no_more_memory():
    few, many = (_peak_bytes(n) for n in (32, 320))
    assert many <= 1.2 * few


def _peak_bytes(n: int) -> int:
    """The most that the coreset and the patches that it is given take at once."""
    from vision_assets.vision.tasks.anomaly import coreset

    most, add = 0, coreset.RunningCoreset.add

    def watched(self: coreset.RunningCoreset, points: torch.Tensor) -> None:
        nonlocal most
        most = max(most, self.points.nbytes + points.nbytes)
        add(self, points)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coreset.RunningCoreset, "add", watched)
        fill(n, Checkpoint(), n_parts=1)
    return most


def test_few_images_leave_the_bank_partly_empty():
    network = fill(2, Checkpoint(), bank_size=1024)
    assert int(network.count) < 1024
    assert network(torch.zeros(1, 3, 32, 32)).isfinite().all()


def test_what_is_in_the_bank_is_near():
    network = fill(4, Checkpoint(), bank_size=1024, neighbours=1)
    pixels = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float()
    assert network(images).max() < 1e-3 < network(255 - images).min()


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small"])
def test_networks_of_torchvision_are_backbones(name: str):
    network = fill(4, Checkpoint(), backbone=name, image_size_px=64)
    assert network.bank.isfinite().all()


def test_a_backbone_without_fine_features_is_told():
    with pytest.raises(TrainingError, match="feature maps at 1/8 or 1/16 of 32 px"):
        fill(4, Checkpoint(), backbone="vit_b_32")
