"""Every network by name: it builds, sees, learns, and leaves as a model that takes any batch."""

from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn
from torchvision.models import get_model

from vision_assets.vision.errors import TrainingError
from vision_assets.vision.export import to_onnx
from vision_assets.vision.inference.bundle import InputSize
from vision_assets.vision.inference.session import INPUT
from vision_assets.vision.tasks.detection.answer import difference
from vision_assets.vision.tasks.detection.answer.suppression import suppress
from vision_assets.vision.tasks.detection.detector import Detector, strongest
from vision_assets.vision.tasks.detection.network import build, network_names
from vision_assets.vision.tasks.detection.outputs import exportable
from vision_assets.vision.tasks.detection.spec import DetectionRecipe
from vision_assets.vision.tasks.detection.targets import BoxTargets, ViewObjects
from vision_assets.vision.training.batch_statistics import renew_batch_statistics

N_CLASSES = 3
ONE_OF_EACH_FAMILY = (
    "small",
    "ssdlite320_mobilenet_v3_large",
    "fasterrcnn_mobilenet_v3_large_320_fpn",
    "fcos_resnet50_fpn",
    "retinanet_resnet50_fpn",
)


def side_of(name: str) -> int:
    return 300 if name.startswith("ssd300") else 96


def pixels(side_px: int, n: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (n, side_px, side_px, 3), generator=generator, dtype=torch.uint8)


def network_of(name: str) -> Detector:
    """With statistics of its own images, without which hardly anything comes through."""
    torch.manual_seed(0)
    network = build(name, N_CLASSES, side_of(name))
    renew_batch_statistics(network, [pixels(side_of(name)).permute(0, 3, 1, 2).float()])
    return network


@pytest.mark.slow
@pytest.mark.parametrize("name", network_names())
def test_every_network_sees_boxes_in_the_view_and_scores_of_every_class(name: str):
    side_px = side_of(name)
    with torch.no_grad():
        seen = network_of(name)(pixels(side_px, 2).permute(0, 3, 1, 2).float())
    assert seen.scores.shape == (2, seen.boxes.shape[1], N_CLASSES)
    assert seen.boxes.min() >= 0
    assert seen.boxes.max() <= 1
    assert seen.embedding.shape[0] == seen.activation.shape[0] == 2
    assert torch.isfinite(seen.scores).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", ONE_OF_EACH_FAMILY)
def test_a_network_of_each_family_leaves_as_a_model_of_any_batch(name: str):
    side_px = side_of(name)
    network = exportable(network_of(name), DetectionRecipe(network=name))
    model = to_onnx(network, InputSize(height_px=side_px, width_px=side_px))
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    for n in (1, 3):
        images = pixels(side_px, n)
        wanted = [value.numpy() for value in network.module(images)]
        got = session.run(None, {INPUT: images.numpy()})
        by_name = [dict(zip(network.output_names, each, strict=True)) for each in (wanted, got)]
        assert difference(*by_name) < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("name", ONE_OF_EACH_FAMILY)
def test_a_network_of_each_family_learns_one_image(name: str):
    torch.manual_seed(0)
    side_px = side_of(name)
    network = build(name, N_CLASSES, side_px)
    images = pixels(side_px, 2).permute(0, 3, 1, 2).float()
    images[:, :, 20:60, 30:80] = 255
    box = torch.tensor([[30, 20, 80, 60]]) / side_px
    empty = ViewObjects(torch.empty(0, 4), torch.empty(0, dtype=torch.int64))
    targets = BoxTargets([ViewObjects(box, torch.tensor([1])), empty])
    optimizer, losses = torch.optim.AdamW(network.parameters(), 2e-4), []
    for _ in range(8):
        parts = network.losses(network.response(images), targets)
        loss = torch.stack(list(parts.values())).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert np.isfinite(losses).all()
    assert min(losses[-3:]) < losses[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["ssdlite320_mobilenet_v3_large", "fcos_resnet50_fpn", "retinanet_resnet50_fpn"]
)
def test_what_a_network_sees_is_what_torchvision_finds(name: str):
    """The same weights in torchvision's own detector, with its own decoding and suppression."""
    ours: Any = network_of(name)
    side_px, overlap = side_of(name), 0.5
    if name.startswith("fcos"):
        nn.init.ones_(ours.network.head.regression_head.bbox_reg.bias)
    counted = N_CLASSES + name.startswith("ssd")
    theirs: Any = get_model(name, weights=None, weights_backbone=None, num_classes=counted)
    transform = theirs.transform
    theirs.transform = nn.Identity()
    theirs.load_state_dict(ours.network.state_dict())
    transform.image_mean, transform.image_std = [0.5] * 3, [0.25] * 3
    transform.fixed_size = (side_px, side_px)
    theirs.transform = transform
    theirs.score_thresh, theirs.nms_thresh, theirs.detections_per_img = 0.0, overlap, 10
    theirs.topk_candidates = 100_000
    image = pixels(side_px, 1).permute(0, 3, 1, 2).float()
    with torch.no_grad():
        found = strongest(ours(image), 5000)
        (expected,) = theirs.eval()([image[0] / 255])
    boxes = found.boxes[0].numpy() * side_px
    scores, classes = found.scores[0].numpy(), found.classes[0].numpy()
    kept = suppress(boxes, scores, classes, np.zeros(len(boxes), bool), overlap, 10)
    assert np.allclose(scores[kept], expected["scores"].numpy(), atol=1e-4)
    away = np.abs(boxes[kept][:, None] - expected["boxes"].numpy()[None]).max(2)
    assert away.min(1).max() < 0.1


def test_networks_that_need_masks_or_points_are_not_named():
    assert not any("mask" in name or "keypoint" in name for name in network_names())


@pytest.mark.slow
def test_a_view_that_a_network_does_not_take_is_refused():
    with pytest.raises(TrainingError, match=r"ssd300_vgg16 takes no views of 64 px.*image_size_px"):
        build("ssd300_vgg16", N_CLASSES, 64)
