"""Images of a report: each beside what the model looked at."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vision_assets.vision.evaluation.scorecard import Scorecard
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.inference.decode import STORED, decode
from vision_assets.vision.inference.predictor import Predictor
from vision_assets.vision.inference.resize import resize
from vision_assets.vision.pictures import encode_jpeg
from vision_assets.vision.tasks.registry import load_answers
from vision_assets.vision.training.pixels import ReadBytes

_SIDE_PX = 160
_JPEG_QUALITY = 82
_MOST_CLASSES = 24


@dataclass(frozen=True)
class Picture:
    """One image and what the bundle said of it.

    Attributes:
        image_id: of the image.
        label: what it is said to be.
        predicted: what the bundle said.
        score: of what the bundle said.
        image: the upright picture, made smaller; JPEG.
        overlay: the same with what the model saw drawn over it; JPEG.
    """

    image_id: str
    label: str
    predicted: str
    score: float
    image: bytes
    overlay: bytes


@dataclass(frozen=True)
class Examples:
    """Right answers of one class.

    Attributes:
        label: the class.
        surest: with the highest scores, highest first.
        least_sure: with the lowest scores, lowest first; none of the surest.
    """

    label: str
    surest: list[Picture]
    least_sure: list[Picture]


def mistakes(scorecard: Scorecard, bundle: Bundle, read: ReadBytes, n: int) -> list[Picture]:
    """The n worst mistakes, worst first."""
    return pictures(scorecard.worst(n), bundle, read)


def examples(scorecard: Scorecard, bundle: Bundle, read: ReadBytes, n: int) -> list[Examples]:
    """The n surest and the n least sure right answers of each class.

    Of many classes, those with the largest share of mistakes, in the order of the scorecard.
    """
    predictions = scorecard.predictions
    share = predictions.groupby("label")["correct"].mean()
    shown = set(share.sort_values(kind="stable").index[:_MOST_CLASSES])
    right = predictions[predictions["correct"].astype(bool)].sort_values(["score", "image_id"])
    chosen = {
        str(label): (rows.iloc[::-1].head(n), rows.head(min(n, max(0, len(rows) - n))))
        for label, rows in right.groupby("label")
        if label in shown
    }
    rows = [frame for pair in chosen.values() for frame in pair]
    made = pictures(pd.concat(rows), bundle, read) if rows else []
    by_id = {picture.image_id: picture for picture in made}
    return [
        Examples(label, *([by_id[key] for key in frame["image_id"]] for frame in chosen[label]))
        for label in scorecard.per_class["label"]
        if label in chosen
    ]


def pictures(rows: pd.DataFrame, bundle: Bundle, read: ReadBytes) -> list[Picture]:
    """Pictures of rows of a scorecard's predictions, in their order."""
    by_id: dict[str, dict[Any, Any]] = {row["image_id"]: row for row in rows.to_dict("records")}
    predictor, answers = Predictor(bundle, STORED), load_answers(bundle.card.task)
    made: list[Picture] = []
    for image_id, data in read(list(by_id)):
        pixels = smaller(decode(data, STORED))
        prepared = predictor.prepare(data)
        seen = prepared.picture.scaled_to(*pixels.shape[:2])
        drawn = answers.draw(pixels, predictor.outputs([prepared]), bundle.card, seen)
        row = by_id[image_id]
        made.append(
            Picture(
                image_id=image_id,
                label=row["label"],
                predicted=row["predicted"],
                score=row["score"],
                image=encode_jpeg(pixels, _JPEG_QUALITY),
                overlay=encode_jpeg(drawn, _JPEG_QUALITY),
            )
        )
    return made


def smaller(pixels: np.ndarray) -> np.ndarray:
    """With its aspect ratio kept, so that the longer side is what a report shows."""
    height, width = pixels.shape[:2]
    scale = _SIDE_PX / max(height, width)
    return resize(pixels, max(1, round(height * scale)), max(1, round(width * scale)))


def spread(ids: list[str], n: int) -> list[str]:
    """At most n of the ids, at equal distances."""
    kept = np.linspace(0, len(ids) - 1, min(n, len(ids))).round().astype(int)
    return [ids[int(place)] for place in kept]
