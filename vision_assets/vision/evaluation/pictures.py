"""The worst mistakes as pictures: the image beside what the model looked at."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from vision_assets.vision.evaluation.scorecard import Scorecard
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.inference.decode import decode
from vision_assets.vision.inference.predictor import Predictor, of_image
from vision_assets.vision.inference.resize import resize
from vision_assets.vision.tasks.registry import load_answers
from vision_assets.vision.training.pixels import ReadBytes

_SIDE_PX = 160
_JPEG_QUALITY = 82


@dataclass(frozen=True)
class Mistake:
    """One wrong answer.

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


def mistakes(scorecard: Scorecard, bundle: Bundle, read: ReadBytes, n: int) -> list[Mistake]:
    """The n worst mistakes, worst first."""
    rows = {row["image_id"]: row for row in scorecard.worst(n).to_dict("records")}
    predictor, answers = Predictor(bundle), load_answers(bundle.card.task)
    found: list[Mistake] = []
    for image_id, data in read(list(rows)):
        pixels = _small(decode(data))
        outputs = of_image(predictor.outputs([predictor.prepare(data)]), 0)
        row = rows[image_id]
        found.append(
            Mistake(
                image_id=image_id,
                label=row["label"],
                predicted=row["predicted"],
                score=row["score"],
                image=_jpeg(pixels),
                overlay=_jpeg(answers.draw(pixels, outputs, bundle.card)),
            )
        )
    return found


def _small(pixels: np.ndarray) -> np.ndarray:
    """With its aspect ratio kept, so that the longer side is what a report shows."""
    height, width = pixels.shape[:2]
    scale = _SIDE_PX / max(height, width)
    return resize(pixels, max(1, round(height * scale)), max(1, round(width * scale)))


def _jpeg(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return buffer.getvalue()
