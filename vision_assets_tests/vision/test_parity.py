"""The parity check finds what it is there for."""

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from vision_assets.vision.inference.bundle import Bundle, write_bundle
from vision_assets.vision.inference.geometry.windows import tiled
from vision_assets.vision.inference.predictor import Prepared
from vision_assets.vision.parity import check_parity, run_in_torch
from vision_assets.vision.tasks.registry import load_task
from vision_assets.vision.tasks.task import ExportableNetwork
from vision_assets.vision.training.trained_model import TrainedModel
from vision_assets_tests.vision.dataset.drawn_dataset import DrawnDataset

TASK = load_task("classification")


def with_other_head(bundle: Bundle, folder, change) -> Bundle:
    """A bundle whose head was changed, with a card that says so."""

    proto = onnx.load_from_string(bundle.read("model.onnx"))
    head = next(each for each in proto.graph.initializer if each.name.endswith("head.bias"))
    head.CopyFrom(onnx.numpy_helper.from_array(change(onnx.numpy_helper.to_array(head)), head.name))
    model = proto.SerializeToString()
    return write_bundle(folder, bundle.card, {"model.onnx": model})


def test_a_faithful_bundle_passes(trained: TrainedModel, bundle: Bundle, drawn: DrawnDataset):
    parity = check_parity(TASK, trained, bundle, drawn.images.items())
    assert parity.passed
    assert 0 <= parity.max_difference <= 1e-4


def test_a_shifted_head_is_found(trained, bundle, drawn: DrawnDataset, tmp_path):
    shifted = with_other_head(
        bundle, tmp_path, lambda bias: bias + np.array([0.01, 0, 0], np.float32)
    )
    parity = check_parity(TASK, trained, shifted, drawn.images.items())
    assert parity.max_difference > 1e-4
    assert not parity.passed


def test_flipped_labels_are_listed(trained, bundle, drawn: DrawnDataset, tmp_path):
    flipped = with_other_head(
        bundle, tmp_path, lambda bias: bias + np.array([100, 0, 0], np.float32)
    )
    parity = check_parity(TASK, trained, flipped, drawn.images.items())
    assert not parity.passed
    assert {"image_id", "torch", "bundle"} == set(parity.flips[0])


def test_outputs_that_are_no_numbers_do_not_agree(trained, bundle, drawn: DrawnDataset, tmp_path):
    broken = with_other_head(bundle, tmp_path, lambda bias: np.full_like(bias, np.nan))
    of_first = drawn.manifest["class_id"] == bundle.card.classes[0].id
    ids = drawn.manifest.loc[of_first, "image_id"].tolist()[:4]
    parity = check_parity(TASK, trained, broken, drawn.read(ids))
    assert parity.max_difference == float("inf")
    assert not parity.passed


class _Sums(nn.Module):
    """The sum of each view, and how many views it was given with."""

    def forward(self, views: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return views.sum((1, 2, 3)), torch.full((len(views),), len(views))


def test_torch_sees_few_views_at_a_time():
    pixels = np.random.default_rng(0).integers(0, 256, (40, 4, 4, 3), np.uint8)
    prepared = [Prepared(each, tiled(4, 80, 4, 0)) for each in (pixels[:20], pixels[20:])]
    found = run_in_torch(ExportableNetwork(_Sums(), ("sum", "n"), {}), prepared)
    assert found["sum"].tolist() == pixels.sum((1, 2, 3)).tolist()
    assert set(found["n"].tolist()) == {32, 8}


@pytest.mark.parametrize("images", [[], ()])
def test_no_image_is_no_proof(trained: TrainedModel, bundle: Bundle, images):
    assert not check_parity(TASK, trained, bundle, images).passed
