"""The score from which an object is told: for each class that of the lowest cost on the val split.

Among scores of nearly the lowest cost the middle one is taken: the best of few objects is chance.
"""

from collections.abc import Sequence

import numpy as np
import torch

from vision_assets.vision.tasks.detection.answer.candidates import FAINTEST, FOUND_FROM
from vision_assets.vision.tasks.detection.detector import Detector, strongest
from vision_assets.vision.tasks.detection.matching import matched
from vision_assets.vision.tasks.detection.outputs import CANDIDATES
from vision_assets.vision.tasks.detection.spec import DetectionRecipe
from vision_assets.vision.tasks.detection.watch import Noted, note
from vision_assets.vision.tasks.task import Samples
from vision_assets.vision.training.validation import to_images

_FEWEST_OBJECTS = 10
_NEARLY = 0.01
"""Of the cost of missing every object: a difference that does not count."""


def found_from(
    network: Detector, val: Samples, recipe: DetectionRecipe, device: torch.device
) -> dict[str, float]:
    """What a card's calibration says, by position of the class."""
    chosen = least_scores(look(network, val, recipe, device), recipe.missed_cost)
    return {f"{FOUND_FROM}/{index}": score for index, score in chosen.items()}


@torch.no_grad()
def look(
    network: Detector, samples: Samples, recipe: DetectionRecipe, device: torch.device
) -> Noted:
    """What the network finds in each of the samples, and what is there."""
    network.eval()
    noted: Noted = []
    for begin in range(0, len(samples), recipe.batch_size):
        chosen = slice(begin, begin + recipe.batch_size)
        images = to_images(np.asarray(samples.pixels[np.arange(len(samples))[chosen]]), device)
        found = strongest(network(images), CANDIDATES)
        noted += note(found, samples.targets[chosen], recipe.overlap, recipe.most_objects)
    return noted


def least_scores(noted: Noted, missed_cost: float) -> dict[int, float]:
    """By position of the class; without those of which few objects are seen.

    Args:
        noted: what was found, and what is there.
        missed_cost: of an object that is not told, in boxes told where none is.
    """
    hits = [matched(found, truth) >= 0 for found, truth in noted]
    chosen: dict[int, float] = {}
    for index in sorted({int(each) for _, truth in noted for each in truth.classes}):
        n_objects = sum(int(np.sum(truth.classes == index)) for _, truth in noted)
        if n_objects < _FEWEST_OBJECTS:
            continue
        of_class = [found.classes == index for found, _ in noted]
        scores = _joined([found.scores[of] for (found, _), of in zip(noted, of_class, strict=True)])
        right = _joined([hit[of] for hit, of in zip(hits, of_class, strict=True)])
        if right.any():
            chosen[index] = _cheapest(scores, right.astype(bool), n_objects, missed_cost)
    return chosen


def _cheapest(scores: np.ndarray, right: np.ndarray, n_objects: int, missed_cost: float) -> float:
    order = np.argsort(-scores, kind="stable")
    scores, right = scores[order], right[order]
    costs = missed_cost * (n_objects - np.cumsum(right)) + np.cumsum(~right)
    cheap = scores[costs <= costs.min() + _NEARLY * missed_cost * n_objects]
    return float(max(FAINTEST, cheap[len(cheap) // 2]))


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts) if parts else np.empty(0)
