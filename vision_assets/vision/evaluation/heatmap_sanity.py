"""Whether the heatmaps of a model say anything of the model.

A network whose weights were put into random order knows nothing any more. A heatmap that stays
what it was shows the image, not what was learned: the test of model parameters in Adebayo et
al., "Sanity Checks for Saliency Maps", 2018.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata

from vision_assets.vision.dataset.sample import spread_views
from vision_assets.vision.evaluation.pictures import smaller
from vision_assets.vision.inference.answers import Outputs
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.inference.decode import STORED, decode
from vision_assets.vision.inference.predictor import VIEWS_AT_A_TIME, Predictor, Prepared
from vision_assets.vision.parity import run_in_torch
from vision_assets.vision.pictures import encode_jpeg
from vision_assets.vision.tasks.registry import load_answers
from vision_assets.vision.tasks.task import ExportableNetwork, Task
from vision_assets.vision.training.batch_statistics import renew_batch_statistics
from vision_assets.vision.training.trained_model import TrainedModel

if TYPE_CHECKING:
    from torch import nn

HEATMAP = "activation"
"""The output of the contract that heatmaps are drawn from."""
IMAGES = 32
_VIEWS = 256
"""Of all images together, by which a randomised network is normalised."""
_EXAMPLES = 4
_SHUFFLES = 20


@dataclass(frozen=True)
class HeatmapExample:
    """One image with both heatmaps drawn over it; JPEG."""

    image: bytes
    trained: bytes
    randomised: bytes


@dataclass(frozen=True)
class HeatmapSanity:
    """What the test found.

    Attributes:
        n: images whose heatmaps were compared.
        correlation: mean over images of the absolute rank correlation between the heatmap of the
            trained network and that of the same network with randomised weights; 0..1.
        chance: the same between a heatmap and its own cells in random order, which is far from 0
            where heatmaps have few cells.
        examples: a few of them.
    """

    n: int
    correlation: float
    chance: float
    examples: tuple[HeatmapExample, ...] = ()

    @property
    def limit(self) -> float:
        """Half-way between chance and equality."""
        return (1 + self.chance) / 2

    @property
    def passed(self) -> bool:
        """Whether the heatmaps depend on what was learned."""
        return self.correlation <= self.limit

    @property
    def text(self) -> str:
        """The result in words."""
        found = (
            f"On {self.n} images, heatmaps of the trained network and of the same network with "
            f"randomised weights have a rank correlation of {self.correlation:.2f}; chance gives "
            f"{self.chance:.2f}, equal heatmaps 1. "
        )
        if self.passed:
            return found + "So they show what was learned."
        return (
            found + "So they show the image rather than what was learned: do not explain answers "
            "by them, and choose another network."
        )


def check_heatmaps(
    task: Task, trained: TrainedModel, bundle: Bundle, images: Iterable[tuple[str, bytes]]
) -> HeatmapSanity | None:
    """Compare heatmaps of the trained network with those of a randomised one.

    Args:
        task: the plug-in.
        trained: what the bundle was made from.
        bundle: names size and classes.
        images: (image id, encoded bytes); some 32 are enough.

    Returns:
        None where the task draws no heatmaps, or there are no images.

    Raises:
        ImageRefused: an image cannot be decoded.
        TrainingError: the weights are missing or were changed.
    """
    encoded = [data for _, data in images]
    before = _exportable(task, trained, trained.network(task))
    if not encoded or HEATMAP not in before.output_names:
        return None
    predictor = Predictor(bundle, STORED)
    each = max(1, _VIEWS // len(encoded))
    randomised = trained.network(task)
    randomise(randomised, [*spread_views(predictor, encoded, each)])
    return _compared(before, _exportable(task, trained, randomised), predictor, encoded)


def randomise(network: "nn.Module", views: Sequence[np.ndarray], seed: int = 0) -> None:
    """Put the values of every parameter into random order, in place.

    So every layer keeps the size of its weights; the statistics of normalisations are those of
    the images again, without which hardly anything would come through.

    Args:
        network: takes (n, 3, h, w) float32.
        views: each (h, w, 3) uint8, what the network sees of the images.
        seed: of the order.
    """
    import torch

    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            order = torch.randperm(parameter.numel(), generator=generator)
            parameter.copy_(parameter.flatten()[order].view_as(parameter))
    # of even sizes, since normalisations have no statistics of a single view
    slices = np.array_split(np.stack(views), -(-len(views) // VIEWS_AT_A_TIME))
    batches = (torch.from_numpy(each).permute(0, 3, 1, 2).float() for each in slices)
    renew_batch_statistics(network, batches)
    network.eval()


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's rank correlation of two heatmaps; of flat ones 1 if both are, otherwise 0."""
    ranks = np.stack([rankdata(one.ravel()), rankdata(other.ravel())])
    flat = np.ptp(ranks, axis=1) == 0
    if flat.any():
        return float(flat.all())
    return float(np.corrcoef(ranks)[0, 1])


def _compared(
    before: ExportableNetwork,
    after: ExportableNetwork,
    predictor: Predictor,
    encoded: Sequence[bytes],
) -> HeatmapSanity:
    """One image after the other, since those of many tiles have large outputs."""
    correlations, chances, examples = list[float](), list[float](), list[HeatmapExample]()
    order = np.random.default_rng(0)
    for data in encoded:
        prepared = predictor.prepare(data)
        outputs = [run_in_torch(network, [prepared]) for network in (before, after)]
        correlations.append(_mean_correlation(*(of_one[HEATMAP] for of_one in outputs)))
        chances.append(_chance(outputs[0][HEATMAP], order))
        if len(examples) < _EXAMPLES:
            examples.append(_example(data, prepared, outputs, predictor.bundle))
    correlation, chance = float(np.mean(correlations)), float(np.mean(chances))
    return HeatmapSanity(len(encoded), correlation, chance, tuple(examples))


def _mean_correlation(ones: np.ndarray, others: np.ndarray) -> float:
    """Over views, without sign: a heatmap turned inside out shows no more."""
    found = [rank_correlation(*pair) for pair in zip(ones, others, strict=True)]
    return float(np.abs(found).mean())


def _chance(heatmaps: np.ndarray, order: np.random.Generator) -> float:
    """What heatmaps have in common with themselves when their cells are in random order."""
    cells = np.tile(heatmaps.reshape(len(heatmaps), -1), (_SHUFFLES, 1))
    return _mean_correlation(cells, order.permuted(cells, axis=1))


def _exportable(task: Task, trained: TrainedModel, network: "nn.Module") -> ExportableNetwork:
    return task.exportable(network, trained.recipe(task), trained.calibration)


def _example(
    data: bytes, image: Prepared, before_and_after: Sequence[Outputs], bundle: Bundle
) -> HeatmapExample:
    pixels, answers = smaller(decode(data, STORED)), load_answers(bundle.card.task)
    seen = image.picture.scaled_to(*pixels.shape[:2])
    drawn = (answers.draw(pixels, outputs, bundle.card, seen) for outputs in before_and_after)
    return HeatmapExample(*(encode_jpeg(each) for each in (pixels, *drawn)))
