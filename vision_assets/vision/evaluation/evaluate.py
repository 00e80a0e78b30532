"""Judging a bundle as it will serve: from bytes, one image at a time, without torch."""

import json
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from vision_assets.vision.errors import DatasetError
from vision_assets.vision.evaluation.scorecard import Scorecard
from vision_assets.vision.evaluation.slices import slices as sliced
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.inference.decode import STORED
from vision_assets.vision.inference.predictor import Predictor
from vision_assets.vision.tasks.task import Task
from vision_assets.vision.training.pixels import ReadBytes

_LATENCIES = {"latency_p50_ms": 50, "latency_p95_ms": 95}


def evaluate(
    task: Task,
    bundle: Bundle,
    rows: pd.DataFrame,
    read: ReadBytes,
    slices: Sequence[str] = (),
) -> Scorecard:
    """Answer every image and compare with its annotation.

    Args:
        task: the plug-in.
        bundle: what is judged.
        rows: manifest rows of the images, all labelled; usually the test split.
        read: gives the bytes of images.
        slices: manifest columns to report by.

    Raises:
        DatasetError: there are no images, or one is missing in the store.
        ImageRefused: an image cannot be decoded.
        SpecError: the manifest has no column that slices name.
    """
    if rows.empty:
        raise DatasetError(
            "expected labelled images to judge the bundle by, got none; the test split is empty: "
            "label more images or raise splits.test"
        )
    predictor, measure = Predictor(bundle, STORED), task.measure(bundle.card.classes)
    by_id = {str(row["image_id"]): _by_column(row) for row in rows.to_dict("records")}
    seconds: list[float] = []
    answers: dict[str, str] = {}
    for image_id, data in read(list(by_id)):
        began = time.perf_counter()
        prepared = predictor.prepare(data)
        outputs = predictor.outputs([prepared])
        (answer,) = predictor.to_answers(outputs, [prepared])
        seconds.append(time.perf_counter() - began)
        measure.update(by_id[image_id], answer | predictor.beside_answer(outputs, prepared))
        answers[image_id] = json.dumps(answer, ensure_ascii=False)
    if len(seconds) != len(rows):
        raise DatasetError(
            f"expected {len(rows)} images, the store gave {len(seconds)}; images may have been "
            "removed since the dataset version was made: make a new one"
        )
    found = measure.compute()
    return Scorecard(
        card=bundle.card,
        metrics=found.metrics | _latency(seconds),
        per_class=found.per_class,
        confusion=found.confusion,
        predictions=found.predictions.assign(answer=found.predictions["image_id"].map(answers)),
        slices=sliced(rows, found.predictions, slices),
        curves=found.curves,
    )


def _by_column(row: dict[Any, Any]) -> dict[str, Any]:
    return {str(column): value for column, value in row.items()}


def _latency(seconds: Sequence[float]) -> dict[str, float]:
    return {
        name: float(np.percentile(seconds, percentile)) * 1000
        for name, percentile in _LATENCIES.items()
    }
