"""Our own network, and those of torchvision by name: built, run, trained, exported."""

import numpy as np
import pytest
import torch

from vision_assets.vision.errors import TrainingError
from vision_assets.vision.tasks.segmentation.network import build, network_names
from vision_assets.vision.tasks.segmentation.objective import objective
from vision_assets.vision.tasks.segmentation.outputs import OUTPUT_NAMES, ExportableSegmenter
from vision_assets.vision.tasks.segmentation.pretrained import begin
from vision_assets.vision.tasks.segmentation.spec import SegmentationRecipe
from vision_assets.vision.tasks.task import Samples
from vision_assets.vision.training.checkpoint import Checkpoint
from vision_assets.vision.training.gradient_descent import descend
from vision_assets.vision.training.progress import ignore_progress

N_CLASSES = 2
ONE_OF_EACH_FAMILY = (
    "small",
    "fcn_resnet50",
    "deeplabv3_mobilenet_v3_large",
    "lraspp_mobilenet_v3_large",
)


def images(n: int, side_px: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(n)
    return torch.randint(0, 256, (n, side_px, side_px, 3), generator=generator, dtype=torch.uint8)


@pytest.mark.parametrize("side_px", [16, 33, 96])
def test_our_own_network_takes_images_of_any_size(side_px: int):
    logits = build("small", N_CLASSES)(torch.zeros(2, 3, side_px, side_px + 7))
    assert logits.shape == (2, N_CLASSES + 1, side_px, side_px + 7)


def test_exposure_does_not_count_for_our_own_network():
    pixels = torch.rand(2, 3, 32, 32) * 60 + 100
    network = build("small", N_CLASSES).eval()
    assert torch.allclose(network(pixels), network(pixels - 80), atol=1e-3)
    assert network(torch.full((1, 3, 32, 32), 99.0)).isfinite().all()


def test_our_own_network_is_compact():
    assert sum(value.numel() for value in build("small", 6).parameters()) < 1_500_000


def test_an_unknown_name_is_told_with_those_that_are_known():
    with pytest.raises(TrainingError, match="fcn_resnet50.*got 'unet'"):
        build("unet", N_CLASSES)


@pytest.mark.slow
@pytest.mark.parametrize("name", network_names())
def test_every_network_is_built_and_runs_by_its_name(name: str):
    with torch.device("meta"), torch.no_grad():
        logits = build(name, N_CLASSES).eval()(torch.zeros(2, 3, 64, 64))
    assert logits.shape == (2, N_CLASSES + 1, 64, 64)


@pytest.mark.slow
@pytest.mark.parametrize("name", ONE_OF_EACH_FAMILY)
def test_one_of_each_family_learns_and_is_exported(name: str):
    torch.manual_seed(0)
    network = build(name, N_CLASSES)
    before = {key: value.clone() for key, value in network.named_parameters()}
    recipe = SegmentationRecipe(
        network=name, image_size_px=64, epochs=1, batch_size=2, learning_rate=1e-4
    )
    maps = torch.zeros(4, 64, 64, dtype=torch.uint8)
    maps[:, 20:40, 10:50] = 1
    train = Samples(images(4, 64).numpy(), maps)
    counts = np.stack([np.bincount(each.ravel(), minlength=3) for each in maps.numpy()])
    device = torch.device("cpu")
    aim = objective(recipe, counts)
    (report,) = descend(network, aim, train, train, recipe, device, ignore_progress, Checkpoint())
    assert report.val_loss is not None
    assert any(not torch.equal(value, before[key]) for key, value in network.named_parameters())
    check_export(ExportableSegmenter(network), 64)


def check_export(module: ExportableSegmenter, side_px: int) -> None:
    """ONNX Runtime gives what torch gives, for batches of any size."""
    import onnxruntime

    from vision_assets.vision.export import to_onnx
    from vision_assets.vision.inference.bundle import InputSize
    from vision_assets.vision.tasks.task import ExportableNetwork

    size = InputSize(height_px=side_px, width_px=side_px)
    model = to_onnx(ExportableNetwork(module, OUTPUT_NAMES, {}), size)
    session = onnxruntime.InferenceSession(model)
    for n in (1, 3):
        expected = [value.numpy() for value in module(images(n, side_px))]
        found = session.run(None, {"images": images(n, side_px).numpy()})
        levels, *others = zip(map(np.asarray, found), expected, strict=True)
        assert np.abs(levels[0].astype(int) - levels[1]).max() <= 1
        for value, reference in others:
            assert value.shape == reference.shape
            assert np.abs(value - reference).max() <= 1e-4 * max(1, np.abs(reference).max())


def test_probabilities_sum_to_one_but_for_rounding():
    levels, shares, embedding, activation = ExportableSegmenter(build("small", 2))(images(2, 32))
    assert levels.dtype == torch.uint8
    assert (levels.sum(1).float() - 255).abs().max() <= 2
    assert torch.allclose(shares.sum(1), torch.ones(2), atol=1e-5)
    assert embedding.shape == (2, 192)
    assert activation.shape == (2, 8, 8)


def test_the_object_offset_moves_odds_of_pixels_and_nothing_else():
    network = build("small", 2).eval()
    plain, ready = (ExportableSegmenter(network, 1.0, offset)(images(2, 32)) for offset in (0, 1.0))
    assert (ready[0][:, 0] <= plain[0][:, 0]).all()
    assert (ready[0][:, 0] < plain[0][:, 0]).any()
    assert torch.equal(ready[2], plain[2])


def test_a_model_of_ours_is_taken_up_but_for_a_head_of_other_classes(tmp_path):
    from safetensors.torch import save_file

    save_file(build("small", 5).state_dict(), tmp_path / "weights.safetensors")
    recipe = SegmentationRecipe(weights="file:weights.safetensors")
    same = begin(build("small", 5), recipe, tmp_path)
    other = build("small", 2)
    found = begin(other, recipe, tmp_path)
    assert same.left == ()
    assert all(name.startswith("model.head") for name in found.left)
    assert found.left


@pytest.mark.slow
def test_weights_of_torchvision_are_taken_with_what_they_expect(tmp_path):
    import torchvision

    name = "lraspp_mobilenet_v3_large"
    given = torchvision.models.get_model(name, weights=None, weights_backbone=None)
    torch.save(given.state_dict(), tmp_path / "lraspp.pth")
    import hashlib

    digest = hashlib.sha256((tmp_path / "lraspp.pth").read_bytes()).hexdigest()
    recipe = SegmentationRecipe(network=name, weights="file:lraspp.pth", weights_sha256=digest)
    network = build(name, N_CLASSES)
    found = begin(network, recipe, tmp_path)
    assert found.source == "torchvision's"
    assert float(network.mean.max()) == pytest.approx(0.485 * 255)
    backbone = network.model.get_submodule("backbone").state_dict()
    expected = given.get_submodule("backbone").state_dict()
    assert all(torch.equal(value, expected[key]) for key, value in backbone.items())
