"""Whether a bundle of 8-bit integers may ship in place of the one of floats.

Images of the train split calibrate it, those of val give it thresholds of its own, those of test
judge it: ranges that were found on an image fit that image best. Both are judged from bytes to
outcome, image by image. It ships where it loses no more than the margin, by the lower bound of
the paired interval, where the test split shows defects and good parts, and where it is faster on
this machine; otherwise the floats ship, and the reason is told.
"""

import json
import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vision_assets.vision.evaluation.bootstrap import paired_differences, unseen_share
from vision_assets.vision.evaluation.costs import ESCAPE_RATE, OVERKILL_RATE, rated
from vision_assets.vision.evaluation.evaluate import evaluate
from vision_assets.vision.evaluation.evidence import outcomes_of
from vision_assets.vision.evaluation.figure import Figure, means
from vision_assets.vision.inference.bundle import MODEL_FILE, Bundle
from vision_assets.vision.inference.decode import STORED
from vision_assets.vision.inference.predictor import Predictor
from vision_assets.vision.spec import ExportSpec
from vision_assets.vision.tasks.registry import load_answers
from vision_assets.vision.tasks.task import Task
from vision_assets.vision.training.pixels import ReadBytes

_ACCURACY = "accuracy"
_TIMED_IMAGES = 32
_TIMED_ROUNDS = 7


@dataclass(frozen=True)
class Int8Trial:
    """What INT8 costs and what it brings.

    Attributes:
        n: test images that both were judged by.
        flips: images whose answer is another by the task's own notion (`Answers.same`): another
            label, and where there are objects or a map, another place. Shown, not judged by: a
            box that moved may be as right as before.
        correct: share of right outcomes, of floats and of integers.
        difference: the interval of integers minus floats, in shares of right outcomes.
        escapes: rate of floats and of integers, each by its own thresholds; not a number where
            no defect was decided.
        overkill: rate of floats and of integers; not a number where no good part was decided.
        latency_ms: median of one image through the model on one thread, floats and integers.
        speed_up: median ratio of the two, run in turns on the same images.
        bytes: of both models.
        margin: how much the lower bound of `difference` may lose.
    """

    n: int
    flips: int
    correct: tuple[float, float]
    difference: tuple[float, float]
    escapes: tuple[float, float]
    overkill: tuple[float, float]
    latency_ms: tuple[float, float]
    speed_up: float
    bytes: tuple[int, int]
    margin: float

    @property
    def passed(self) -> bool:
        """Whether the INT8 bundle ships."""
        return self._loses_little and self._is_faster and not self._unseen

    @property
    def text(self) -> str:
        """The verdict in words."""
        low, high = self.difference
        loss = (
            f"accuracy {self.correct[1]:.4f} against {self.correct[0]:.4f} on {self.n} test images "
            f"({low:+.4f} to {high:+.4f}), {self.flips} other answers"
            f"{_rates('escapes', self.escapes)}{_rates('overkill', self.overkill)}"
        )
        gain = f"{self.speed_up:.2f} times as fast"
        if self.passed:
            return f"INT8 ships: {loss}; {gain}"
        if self._loses_little and self._unseen:
            return (
                f"fp32 ships, what INT8 makes of {self._unseen} is not known, as the test split "
                f"shows none: label some; {loss}; {gain}"
            )
        if self._loses_little:
            return f"fp32 ships, INT8 is not faster on this machine: {gain}; {loss}"
        return (
            f"fp32 ships, INT8 may lose more than {self.margin:g}: {loss}; {gain}. More test "
            "images narrow the interval, export.int8_margin allows more"
        )

    @property
    def _unseen(self) -> str:
        """The kind of parts that a bundle which decides was not judged by; empty: it was by both.

        Good parts alone say nothing of a bundle that finds no defect any more.
        """
        escapes, overkill = (math.isnan(rate) for rate, _ in (self.escapes, self.overkill))
        if escapes == overkill:
            return ""
        return "defects" if escapes else "good parts"

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
    before, after = (
        outcomes_of(evaluate(task, bundle, test, read), test) for bundle in (floats, integers)
    )
    escapes, overkill = (
        (float(rated(before)[rate].mean()), float(rated(after)[rate].mean()))
        for rate in (ESCAPE_RATE, OVERKILL_RATE)
    )
    ids = test["image_id"].tolist()[:_TIMED_IMAGES]
    latency_ms, speed_up = _timed(floats, integers, [data for _, data in read(ids)])
    return Int8Trial(
        n=len(test),
        flips=_flips(task, before["answer"], after["answer"]),
        correct=(float(before["correct"].mean()), float(after["correct"].mean())),
        difference=gain_in_accuracy(after, before),
        escapes=escapes,
        overkill=overkill,
        latency_ms=latency_ms,
        speed_up=speed_up,
        bytes=(_size(floats), _size(integers)),
        margin=spec.int8_margin,
    )


def _rates(name: str, rates: tuple[float, float]) -> str:
    """Of integers against floats, in words; nothing where it is not known."""
    return "" if math.isnan(rates[0]) else f", {name} {rates[1]:.4f} against {rates[0]:.4f}"


def _flips(task: Task, before: Iterable[str], after: Iterable[str]) -> int:
    """How many answers, as JSON, are not the same."""
    same = load_answers(task.name).same
    return sum(
        not same(json.loads(one), json.loads(other))
        for one, other in zip(before, after, strict=True)
    )


def gain_in_accuracy(integers: pd.DataFrame, floats: pd.DataFrame) -> tuple[float, float]:
    """The paired interval of the share of right outcomes, integers minus floats.

    Where no image was lost, no resample loses one, however few images there are; the lower bound
    is then no higher than the exact one, which knows how few they are. So is the upper bound
    where no image was lost or won.

    Args:
        integers: outcomes with `image_id`, `label`, `correct`, and `group` where there is one.
        floats: of the same images.

    Raises:
        DatasetError: the outcomes are not of the same images.
    """
    found = paired_differences(integers, floats, _accuracy)[_ACCURACY]
    both = integers.merge(floats, on="image_id", suffixes=("_integers", "_floats"))
    now, was = (both[f"correct_{which}"].astype(bool) for which in ("integers", "floats"))
    lost, changed = bool((was & ~now).any()), bool((was != now).any())
    unseen = unseen_share(integers)
    return (
        found.low if lost else min(found.low, -unseen),
        found.high if changed else unseen,
    )


def _accuracy(outcomes: pd.DataFrame, weights: np.ndarray) -> dict[str, Figure]:
    everything = np.ones((len(outcomes), 1), bool)
    (share,) = means(weights, outcomes["correct"].to_numpy(bool), everything)
    return {_ACCURACY: share}


def _timed(
    floats: Bundle, integers: Bundle, images: Sequence[bytes]
) -> tuple[tuple[float, float], float]:
    """Latencies in milliseconds and the median ratio; who begins changes from image to image."""
    predictors = (Predictor(floats, STORED), Predictor(integers, STORED))
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
