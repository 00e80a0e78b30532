"""The score from which an object is told: for each class the one with the best F1 on the val split.

Among scores with nearly the best F1 the middle one is taken: the best of few objects is chance.
"""

from collections.abc import Sequence

import numpy as np
import torch

from vision_assets.vision.tasks.detection.answer import FAINTEST, FOUND_FROM
from vision_assets.vision.tasks.detection.detector import Detector, strongest
from vision_assets.vision.tasks.detection.matching import matched
from vision_assets.vision.tasks.detection.outputs import CANDIDATES
from vision_assets.vision.tasks.detection.spec import DetectionRecipe
from vision_assets.vision.tasks.detection.watch import Noted, note
from vision_assets.vision.tasks.task import Samples
from vision_assets.vision.training.gradient_descent import to_images

_FEWEST_OBJECTS = 10
_NEARLY = 0.995
"""Share of the best F1 that is as good."""


def found_from(
    network: Detector, val: Samples, recipe: DetectionRecipe, device: torch.device
) -> dict[str, float]:
    """What a card's calibration says, by position of the class."""
    chosen = least_scores(look(network, val, recipe, device))
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


def least_scores(noted: Noted) -> dict[int, float]:
    """By position of the class; without those of which few objects are seen."""
    hits = [matched(found, truth) >= 0 for found, truth in noted]
    chosen: dict[int, float] = {}
    for index in sorted({int(each) for _, truth in noted for each in truth.classes}):
        n_objects = sum(int((truth.classes == index).sum()) for _, truth in noted)
        if n_objects < _FEWEST_OBJECTS:
            continue
        of_class = [found.classes == index for found, _ in noted]
        scores = _joined([found.scores[of] for (found, _), of in zip(noted, of_class, strict=True)])
        right = _joined([hit[of] for hit, of in zip(hits, of_class, strict=True)])
        if right.any():
            chosen[index] = _best(scores, right.astype(bool), n_objects)
    return chosen


def _best(scores: np.ndarray, right: np.ndarray, n_objects: int) -> float:
    order = np.argsort(-scores, kind="stable")
    scores = scores[order]
    told = np.arange(1, len(scores) + 1)
    f1 = 2 * np.cumsum(right[order]) / (told + n_objects)
    good = scores[f1 >= _NEARLY * f1.max()]
    return float(max(FAINTEST, np.median(good)))


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts) if parts else np.empty(0)
