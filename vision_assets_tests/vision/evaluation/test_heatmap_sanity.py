"""A heatmap that does not depend on the weights is found out."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from vision_assets.vision.evaluation.heatmap_sanity import (
    check_heatmaps,
    randomise,
    rank_correlation,
)
from vision_assets.vision.inference.bundle import Bundle, InputSize, Tiling
from vision_assets.vision.inference.predictor import Predictor
from vision_assets.vision.spec import Recipe
from vision_assets.vision.tasks.classification.task import ClassificationTask
from vision_assets.vision.tasks.registry import load_task
from vision_assets.vision.tasks.task import ExportableNetwork
from vision_assets.vision.training.trained_model import TrainedModel
from vision_assets_tests.drawing import CLASSES, draw_jpeg
from vision_assets_tests.vision.dataset.drawn_dataset import DrawnDataset

TASK = load_task("classification")


class _Brightness(nn.Module):
    """Gives the brightness of the picture for a heatmap, and the other outputs as they are."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        scores, embedding, _ = self.module(images)
        return scores, embedding, images.float().mean(3)


class _BlindTask(ClassificationTask):
    """Its heatmaps show the image, whatever was learned."""

    def exportable(
        self, network: nn.Module, recipe: Recipe, calibration: Mapping[str, float]
    ) -> ExportableNetwork:
        made = super().exportable(network, recipe, calibration)  # pyright: ignore[reportArgumentType]
        return ExportableNetwork(_Brightness(made.module), made.output_names, made.options)


class _TaskWithoutHeatmaps(ClassificationTask):
    def exportable(
        self, network: nn.Module, recipe: Recipe, calibration: Mapping[str, float]
    ) -> ExportableNetwork:
        made = super().exportable(network, recipe, calibration)  # pyright: ignore[reportArgumentType]
        names = tuple(name.replace("activation", "other") for name in made.output_names)
        return ExportableNetwork(made.module, names, made.options)


@pytest.fixture
def images(drawn: DrawnDataset) -> list[tuple[str, bytes]]:
    return list(drawn.read(drawn.test["image_id"].tolist()[:16]))


def views(bundle: Bundle, images: list[tuple[str, bytes]]) -> list[np.ndarray]:
    return [Predictor(bundle).prepare(data).pixels[0] for _, data in images]


def test_heatmaps_of_a_trained_network_change_with_its_weights(
    trained: TrainedModel, bundle: Bundle, images
):
    found = check_heatmaps(TASK, trained, bundle, images)
    assert found is not None
    assert found.passed, found.text
    assert found.n == len(images)
    assert found.examples[0].trained != found.examples[0].randomised


def test_heatmaps_that_show_the_image_alone_are_found_out(
    trained: TrainedModel, bundle: Bundle, images
):
    found = check_heatmaps(_BlindTask(), trained, bundle, images)
    assert found is not None
    assert found.correlation == pytest.approx(1)
    assert not found.passed
    assert "do not explain answers by them" in found.text


def test_a_task_without_heatmaps_is_not_judged_by_them(
    trained: TrainedModel, bundle: Bundle, images
):
    assert check_heatmaps(_TaskWithoutHeatmaps(), trained, bundle, images) is None
    assert check_heatmaps(TASK, trained, bundle, []) is None


def test_randomised_weights_are_the_same_values_elsewhere(
    trained: TrainedModel, bundle: Bundle, images
):
    network, before = trained.network(TASK), trained.network(TASK)
    randomise(network, views(bundle, images))
    for one, other in zip(network.parameters(), before.parameters(), strict=True):
        assert torch.equal(one.flatten().sort().values, other.flatten().sort().values)
    weights, were = next(network.parameters()), next(before.parameters())
    assert not torch.equal(weights, were)


def test_a_network_is_randomised_by_few_views_at_a_time(
    trained: TrainedModel, bundle: Bundle, images
):
    network, sizes = trained.network(TASK), list[int]()
    network.register_forward_pre_hook(lambda _, taken: sizes.append(len(taken[0])))
    randomise(network, (views(bundle, images) * 3)[:33])
    assert sizes == [17, 16]


def test_a_picture_of_many_tiles_is_one_image(trained: TrainedModel, bundle: Bundle, images):
    size = InputSize(height_px=32, width_px=32, tiling=Tiling(tile_px=32, overlap=0))
    tiled = replace(bundle, card=bundle.card.model_copy(update={"input": size}))
    picture = draw_jpeg(0, CLASSES[0], 7 * 32)
    found = check_heatmaps(TASK, trained, tiled, [("tiled", picture), *images[:1]])
    assert found is not None
    assert (found.n, len(found.examples)) == (2, 2)
    assert found.passed, found.text


def test_ranks_count_and_flat_heatmaps_agree_with_flat_ones_alone():
    heatmap, flat = np.arange(9.0).reshape(3, 3), np.zeros((3, 3))
    assert rank_correlation(heatmap, heatmap**3) == pytest.approx(1)
    assert rank_correlation(heatmap, -heatmap) == pytest.approx(-1)
    assert rank_correlation(flat, flat) == 1
    assert rank_correlation(heatmap, flat) == 0
