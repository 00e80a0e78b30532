"""Our own network, and one of each family of torchvision: built, run, exported."""

from collections.abc import Iterable

import numpy as np
import pytest
import torch

from vision_assets.vision.errors import TrainingError
from vision_assets.vision.tasks.classification.network import GridPool, build, network_names
from vision_assets.vision.tasks.classification.objective import objective
from vision_assets.vision.tasks.classification.outputs import (
    CLASS_ACTIVATION,
    FEATURE_NORM,
    ExportableClassifier,
)
from vision_assets.vision.tasks.classification.spec import ClassificationRecipe
from vision_assets.vision.tasks.task import Samples
from vision_assets.vision.training.checkpoint import Checkpoint
from vision_assets.vision.training.gradient_descent import descend
from vision_assets.vision.training.progress import ignore_progress

N_CLASSES = 5
FAMILIES = {
    "alexnet": (64, FEATURE_NORM),
    "convnext_tiny": (64, FEATURE_NORM),
    "densenet121": (64, CLASS_ACTIVATION),
    "efficientnet_b0": (64, CLASS_ACTIVATION),
    "efficientnet_v2_s": (64, CLASS_ACTIVATION),
    "googlenet": (64, CLASS_ACTIVATION),
    "inception_v3": (128, CLASS_ACTIVATION),
    "maxvit_t": (224, FEATURE_NORM),
    "mnasnet0_5": (64, CLASS_ACTIVATION),
    "mobilenet_v2": (64, CLASS_ACTIVATION),
    "mobilenet_v3_small": (64, FEATURE_NORM),
    "regnet_x_400mf": (64, CLASS_ACTIVATION),
    "resnet18": (64, CLASS_ACTIVATION),
    "shufflenet_v2_x0_5": (64, CLASS_ACTIVATION),
    "squeezenet1_1": (64, FEATURE_NORM),
    "swin_t": (64, CLASS_ACTIVATION),
    "vgg11": (64, FEATURE_NORM),
    "vit_b_16": (64, FEATURE_NORM),
}


def images(n: int, side_px: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(n)
    return torch.randint(0, 256, (n, side_px, side_px, 3), generator=generator, dtype=torch.uint8)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "side_px", "kind"), [(n, *v) for n, v in FAMILIES.items()])
def test_every_family_is_built_and_exported_with_the_same_outputs(
    name: str, side_px: int, kind: str
):
    import onnxruntime

    from vision_assets.vision.export import to_onnx
    from vision_assets.vision.inference.bundle import InputSize
    from vision_assets.vision.tasks.task import ExportableNetwork

    torch.manual_seed(0)
    module = ExportableClassifier(build(name, N_CLASSES, side_px), side_px)
    assert module.activation_kind == kind
    names = ("scores", "embedding", "activation")
    size = InputSize(height_px=side_px, width_px=side_px)
    model = to_onnx(ExportableNetwork(module, names, {}), size)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options)
    for n in (1, 3):
        expected = [value.numpy() for value in module(images(n, side_px))]
        found = session.run(list(names), {"images": images(n, side_px).numpy()})
        for value, reference in zip(map(np.asarray, found), expected, strict=True):
            assert value.shape == reference.shape
            assert abs(value - reference).max() <= 1e-4 * max(1, abs(reference).max())


@pytest.mark.slow
@pytest.mark.parametrize("name", network_names())
def test_every_network_is_built_and_runs_by_its_name(name: str):
    """On torch's device without memory, where shapes alone are computed, of giants too.

    RegNets compute their widths with tensors, which need memory.
    """
    side_px = 224
    with torch.device("cpu" if name.startswith("regnet") else "meta"), torch.no_grad():
        network = build(name, N_CLASSES, side_px).eval()
        logits = network(torch.zeros(2, 3, side_px, side_px))
    assert logits.shape == (2, N_CLASSES)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "side_px"), [(n, v[0]) for n, v in FAMILIES.items()])
def test_one_of_every_family_learns(name: str, side_px: int):
    recipe = ClassificationRecipe(
        network=name, image_size_px=side_px, epochs=1, batch_size=4, learning_rate=1e-4
    )
    torch.manual_seed(0)
    network = build(name, N_CLASSES, side_px)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    train = Samples(images(4, side_px).numpy(), torch.arange(4))
    (report,) = descend(
        network,
        objective(recipe, train.targets),
        train,
        train,
        recipe,
        torch.device("cpu"),
        ignore_progress,
        Checkpoint(),
    )
    assert report.val_loss is not None
    trained = dict(network.named_parameters())
    assert any(not torch.equal(value, before[key]) for key, value in trained.items())
    assert all(value.isfinite().all() for value in trained.values())


def test_every_family_of_torchvision_is_covered():
    ours_or_a_resnet = {"small", "resnext", "wide"}
    assert families(network_names()) - ours_or_a_resnet == families(FAMILIES)


def families(names: Iterable[str]) -> set[str]:
    """`resnet` of `resnet18`, `mnasnet` of `mnasnet0_5`, `vit` of `vit_b_16`."""
    return {name.split("_")[0].rstrip("0123456789") for name in names}


@pytest.mark.parametrize("side", [3, 6, 7, 10])
def test_the_grid_pool_is_torch_s_adaptive_pool(side: int):
    features = torch.rand(2, 3, side, side + 1)
    expected = torch.nn.AdaptiveAvgPool2d((6, 7))(features)
    assert torch.allclose(GridPool((6, 7))(features), expected, atol=1e-6)


def test_our_own_network_is_compact():
    assert sum(value.numel() for value in build("small", 6, 96).parameters()) < 1_000_000


@pytest.mark.parametrize("side_px", [16, 33, 96])
def test_our_own_network_takes_any_size(side_px: int):
    network = build("small", N_CLASSES, side_px).eval()
    assert network(torch.zeros(2, 3, side_px, side_px)).shape == (2, N_CLASSES)


def test_an_unknown_network_is_told_with_those_there_are():
    with pytest.raises(TrainingError, match=r"'resnet18'.*got 'resnet19'"):
        build("resnet19", 2, 64)


def test_a_size_that_a_network_does_not_take_is_told():
    with pytest.raises(TrainingError, match="alexnet takes no images of 16 px"):
        build("alexnet", 2, 16)


def test_the_class_activation_map_averages_to_its_part_of_the_logit():
    """Of resnet18, whose head is linear over averages: mean(map) + bias = logit."""
    torch.manual_seed(0)
    network = build("resnet18", N_CLASSES, 64).eval()
    module = ExportableClassifier(network, 64)
    pixels = images(4, 64)
    _, _, activation = module(pixels)
    with torch.no_grad():
        logits = network(pixels.permute(0, 3, 1, 2).float())
    top, at = logits.max(1)
    bias = dict(network.named_parameters())["backbone.fc.bias"][at]
    assert torch.allclose(activation.mean((1, 2)) + bias, top, atol=1e-4)
