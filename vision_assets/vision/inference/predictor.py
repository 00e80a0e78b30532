"""From bytes to answers: the one path through which reports, checks and services go."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vision_assets.vision.inference.answers import Answer, Outputs
from vision_assets.vision.inference.bundle import Bundle, Card, InputSize
from vision_assets.vision.inference.decode import DEFAULT_LIMITS, Limits, decode
from vision_assets.vision.inference.geometry.windows import Picture, whole
from vision_assets.vision.inference.resize import resize
from vision_assets.vision.inference.session import Session
from vision_assets.vision.tasks.registry import load_answers

VIEWS_AT_A_TIME = 32
"""Largest batch of a network, which bounds the memory of a picture of many tiles."""


@dataclass(frozen=True)
class Prepared:
    """One image, ready for the model.

    Attributes:
        pixels: (v, h, w, 3) uint8, its views of the size that the model takes.
        picture: what each of them is a view of.
    """

    pixels: np.ndarray
    picture: Picture

    @classmethod
    def of(cls, pixels: np.ndarray, size: InputSize) -> "Prepared":
        """An upright picture, (h, w, 3) uint8, as a model sees it."""
        height, width = pixels.shape[:2]
        picture = size.picture(height, width)
        views = [
            resize(window.of(pixels), size.height_px, size.width_px) for window in picture.windows
        ]
        return cls(np.stack(views), picture)

    @classmethod
    def as_it_is(cls, pixels: np.ndarray) -> "Prepared":
        """An image of the size that the model takes, (h, w, 3) uint8."""
        return cls(pixels[None], whole(*pixels.shape[:2]))


class Predictor:
    """A loaded bundle; safe to call from several threads."""

    def __init__(self, bundle: Bundle, limits: Limits = DEFAULT_LIMITS, threads: int = 1) -> None:
        """Load the model.

        Args:
            bundle: a verified bundle.
            limits: what is decoded at all; STORED for what was checked when it was taken.
            threads: cores that one call may use.

        Raises:
            BundleError: the model cannot be loaded.
            SpecError: the task of the bundle is not registered here.
        """
        self.bundle = bundle
        self.limits = limits
        self._answers = load_answers(bundle.card.task)
        self._beside = getattr(self._answers, "beside_answer", _nothing)
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

    def beside_answer(self, outputs: Outputs, prepared: Prepared) -> Answer:
        """What a measure needs of one image beside its answer; of most tasks nothing."""
        return self._beside(outputs, self.bundle.card, prepared.picture)

    def prepare(self, data: bytes) -> Prepared:
        """Decode and resize one image.

        Raises:
            ImageRefused: the image cannot be decoded or is outside the limits.
        """
        return Prepared.of(decode(data, self.limits), self.bundle.card.input)

    def outputs(self, prepared: Sequence[Prepared]) -> Outputs:
        """Every output of the model by name; the first axis is that of all views, in order."""
        return in_slices(self._session.run, views_of(prepared))

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
            self._answers.to_answer(of_one, card, image.picture, by)
            for of_one, image in zip(per_image(outputs, prepared), prepared, strict=True)
        ]


def _nothing(outputs: Outputs, card: Card, picture: Picture) -> Answer:
    return {}


def views_of(prepared: Sequence[Prepared]) -> np.ndarray:
    """The views of all images, (v, h, w, 3) uint8, one image after the other."""
    return np.concatenate([image.pixels for image in prepared])


def in_slices(run: Callable[[np.ndarray], Outputs], views: np.ndarray) -> Outputs:
    """The outputs for all views, of which a network sees at most 32 at a time."""
    parts = [
        run(views[start : start + VIEWS_AT_A_TIME])
        for start in range(0, len(views), VIEWS_AT_A_TIME)
    ]
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def per_image(outputs: Outputs, prepared: Sequence[Prepared]) -> list[Outputs]:
    """The outputs of each image, in which the first axis is that of its views."""
    ends = np.cumsum([len(image.pixels) for image in prepared])
    starts = ends - [len(image.pixels) for image in prepared]
    return [
        {name: values[start:end] for name, values in outputs.items()}
        for start, end in zip(starts, ends, strict=True)
    ]
