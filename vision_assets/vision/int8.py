"""Whether a bundle of 8-bit integers may ship in place of the one of floats.

Images of the val split calibrate it, images of the test split judge it: ranges that were found
on an image fit that image best. Both are judged from bytes to outcome, image by image. It ships
where it loses no more than the margin, by the lower bound of the paired interval, and where it
is faster on this machine; otherwise the floats ship, and the reason is told.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vision_assets.vision.evaluation.evaluate import evaluate
from vision_assets.vision.inference.bundle import MODEL_FILE, Bundle
from vision_assets.vision.inference.predictor import Predictor
from vision_assets.vision.spec import ExportSpec
from vision_assets.vision.tasks.task import Task
from vision_assets.vision.training.pixels import ReadBytes

_CONFIDENCE = 0.95
_RESAMPLES = 10_000
_TIMED_IMAGES = 32
_TIMED_ROUNDS = 7


@dataclass(frozen=True)
class Int8Trial:
    """What INT8 costs and what it brings.

    Attributes:
        n: test images that both were judged by.
        flips: images whose outcome is another.
        correct: share of right outcomes, of floats and of integers.
        difference: the interval of integers minus floats, in shares of right outcomes.
        latency_ms: median of one image through the model on one thread, floats and integers.
        speed_up: median ratio of the two, run in turns on the same images.
        bytes: of both models.
        margin: how much the lower bound of `difference` may lose.
    """

    n: int
    flips: int
    correct: tuple[float, float]
    difference: tuple[float, float]
    latency_ms: tuple[float, float]
    speed_up: float
    bytes: tuple[int, int]
    margin: float

    @property
    def passed(self) -> bool:
        """Whether the INT8 bundle ships."""
        return self._loses_little and self._is_faster

    @property
    def text(self) -> str:
        """The verdict in words."""
        low, high = self.difference
        loss = (
            f"accuracy {self.correct[1]:.4f} against {self.correct[0]:.4f} on {self.n} test images "
            f"({low:+.4f} to {high:+.4f}), {self.flips} other outcomes"
        )
        gain = f"{self.speed_up:.2f} times as fast"
        if self.passed:
            return f"INT8 ships: {loss}; {gain}"
        if self._loses_little:
            return f"fp32 ships, INT8 is not faster on this machine: {gain}; {loss}"
        return (
            f"fp32 ships, INT8 may lose more than {self.margin:g}: {loss}; {gain}. More test "
            "images narrow the interval, export.int8_margin allows more"
        )

    @property
    def _loses_little(self) -> bool:
        return self.difference[0] >= -self.margin

    @property
    def _is_faster(self) -> bool:
        return self.speed_up > 1


def try_int8(
    task: Task,
    floats: Bundle,
    integers: Bundle,
    test: pd.DataFrame,
    read: ReadBytes,
    spec: ExportSpec,
) -> Int8Trial:
    """Judge an INT8 bundle against the one that it was made of.

    Args:
        task: the plug-in.
        floats: the fp32 bundle.
        integers: the INT8 bundle.
        test: manifest rows of the test split.
        read: gives the bytes of images.
        spec: the margin.

    Raises:
        DatasetError: the test split is empty, or an image is missing in the store.
    """
    outcomes = [
        evaluate(task, bundle, test, read).predictions.set_index("image_id").sort_index()
        for bundle in (floats, integers)
    ]
    right = [each["correct"].to_numpy(bool) for each in outcomes]
    ids = test["image_id"].tolist()[:_TIMED_IMAGES]
    latency_ms, speed_up = _timed(floats, integers, [data for _, data in read(ids)])
    return Int8Trial(
        n=len(test),
        flips=int((outcomes[0]["predicted"] != outcomes[1]["predicted"]).sum()),
        correct=(float(right[0].mean()), float(right[1].mean())),
        difference=paired_interval(right[1], right[0]),
        latency_ms=latency_ms,
        speed_up=speed_up,
        bytes=(_size(floats), _size(integers)),
        margin=spec.int8_margin,
    )


def paired_interval(
    one: np.ndarray, other: np.ndarray, confidence: float = _CONFIDENCE
) -> tuple[float, float]:
    """The percentile interval of the bootstrap of `one - other`, drawn in pairs.

    Where no image was lost, no resample loses one, however few images there are; the lower
    bound is then no higher than the exact one for n images without a loss (Clopper and Pearson,
    "The Use of Confidence or Fiducial Limits", 1934).

    Args:
        one: (n,) bool, whether the outcome of each image is right.
        other: (n,) bool, of the same images.
        confidence: share of such intervals that hold the true difference.
    """
    n, tail = len(one), (1 - confidence) / 2
    lost, won = int((~one & other).sum()), int((one & ~other).sum())
    shares = np.array([lost, n - lost - won, won]) / n
    drawn = np.random.default_rng(0).multinomial(n, shares, _RESAMPLES)
    low, high = np.quantile((drawn[:, 2] - drawn[:, 0]) / n, [tail, 1 - tail])
    unseen = 1 - tail ** (1 / n)
    return float(low if lost else min(low, -unseen)), float(high if lost or won else unseen)


def _timed(
    floats: Bundle, integers: Bundle, images: Sequence[bytes]
) -> tuple[tuple[float, float], float]:
    """Latencies in milliseconds and the median ratio; who begins changes from image to image."""
    predictors = (Predictor(floats), Predictor(integers))
    prepared = [predictors[0].prepare(data) for data in images]
    seconds = np.empty((_TIMED_ROUNDS * len(prepared), 2))
    for turn, row in enumerate(seconds):
        image = prepared[turn % len(prepared)]
        for which in (turn % 2, 1 - turn % 2):
            began = time.perf_counter()
            predictors[which].outputs([image])
            row[which] = time.perf_counter() - began
    first, second = np.median(seconds, axis=0) * 1000
    return (float(first), float(second)), float(np.median(seconds[:, 0] / seconds[:, 1]))


def _size(bundle: Bundle) -> int:
    return (bundle.folder / MODEL_FILE).stat().st_size
