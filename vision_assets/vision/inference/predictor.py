"""From bytes to answers: the one path through which reports, checks and services go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vision_assets.vision.inference.answers import Answer, Outputs
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.inference.decode import DEFAULT_LIMITS, Limits, decode
from vision_assets.vision.inference.resize import resize
from vision_assets.vision.inference.session import Session
from vision_assets.vision.tasks.registry import load_answers


@dataclass(frozen=True)
class Prepared:
    """One image, ready for the model.

    Attributes:
        pixels: (h, w, 3) uint8, of the size that the model takes.
        height_px: height of the upright picture that it was.
        width_px: width of the upright picture that it was.
    """

    pixels: np.ndarray
    height_px: int
    width_px: int


class Predictor:
    """A loaded bundle; safe to call from several threads."""

    def __init__(self, bundle: Bundle, limits: Limits = DEFAULT_LIMITS, threads: int = 1) -> None:
        """Load the model.

        Args:
            bundle: a verified bundle.
            limits: what is decoded at all.
            threads: cores that one call may use.

        Raises:
            BundleError: the model cannot be loaded.
            SpecError: the task of the bundle is not registered here.
        """
        self.bundle = bundle
        self.limits = limits
        self._answers = load_answers(bundle.card.task)
        self._session = Session(bundle, threads)

    def predict(self, data: bytes, thresholds: Mapping[str, float] | None = None) -> Answer:
        """The answer for one encoded image, by thresholds of its own or those of the bundle.

        Raises:
            ImageRefused: the image cannot be decoded or is outside the limits.
        """
        return self.predict_batch([data], thresholds)[0]

    def predict_batch(
        self, images: Sequence[bytes], thresholds: Mapping[str, float] | None = None
    ) -> list[Answer]:
        """The answers for several encoded images, in one run of the model.

        Raises:
            ImageRefused: one of them is refused; none is answered then. Where images come
                from different callers, `prepare` each and give the good ones to `answers`.
        """
        return self.answers([self.prepare(data) for data in images], thresholds)

    def prepare(self, data: bytes) -> Prepared:
        """Decode and resize one image.

        Raises:
            ImageRefused: the image cannot be decoded or is outside the limits.
        """
        pixels = decode(data, self.limits)
        size = self.bundle.card.input
        return Prepared(resize(pixels, size.height_px, size.width_px), *pixels.shape[:2])

    def outputs(self, prepared: Sequence[Prepared]) -> Outputs:
        """Every output of the model by name; the first axis is the batch."""
        return self._session.run(np.stack([image.pixels for image in prepared]))

    def answers(
        self, prepared: Sequence[Prepared], thresholds: Mapping[str, float] | None = None
    ) -> list[Answer]:
        """The answers for a batch, in its order; an empty batch has none."""
        if not prepared:
            return []
        return self.to_answers(self.outputs(prepared), prepared, thresholds)

    def to_answers(
        self,
        outputs: Outputs,
        prepared: Sequence[Prepared],
        thresholds: Mapping[str, float] | None = None,
    ) -> list[Answer]:
        """The answers that outputs of a batch mean, whoever computed them."""
        card = self.bundle.card
        by = card.thresholds if thresholds is None else thresholds
        return [
            self._answers.to_answer(
                of_image(outputs, index), card, image.height_px, image.width_px, by
            )
            for index, image in enumerate(prepared)
        ]


def of_image(outputs: Outputs, index: int) -> Outputs:
    """The outputs of one image of a batch, without the batch axis."""
    return {name: values[index] for name, values in outputs.items()}
