"""What the torch-free half of a task does: model outputs to answers.

`tasks/<task>/answer.py` defines these functions; the module itself is the plug-in, found by
the task's name in a bundle's card (`vision_assets.vision.tasks.registry.load_answers`).
"""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from vision_assets.vision.inference.bundle import Card

Answer = dict[str, Any]
"""JSON-ready: what the endpoint returns for one image."""
Outputs = dict[str, np.ndarray]
"""Outputs of a model by name."""


class Answers(Protocol):
    """The functions of an answer module.

    Attributes:
        DECISIVE: names of the outputs that an answer follows from; `difference` compares these.
    """

    DECISIVE: tuple[str, ...]

    def to_answer(
        self,
        outputs: Outputs,
        card: Card,
        height_px: int,
        width_px: int,
        thresholds: Mapping[str, float],
    ) -> Answer:
        """The answer for one image; of every task it has `defect_score` and `decision`.

        Args:
            outputs: of this image alone, without the batch axis.
            card: of the bundle that was run.
            height_px: height of the upright picture; coordinates in an answer are its pixels.
            width_px: width of the upright picture.
            thresholds: to decide by, usually those of the card.
        """
        ...

    def difference(self, one: Outputs, other: Outputs) -> float:
        """Largest absolute difference between the decisive outputs of two runs of a batch."""
        ...

    def same(self, one: Answer, other: Answer) -> bool:
        """Whether two answers for an image decide alike; rounding of scores does not count."""
        ...

    def draw(self, pixels: np.ndarray, outputs: Outputs, card: Card) -> np.ndarray:
        """What the model saw, drawn over the upright picture.

        Args:
            pixels: (h, w, 3) uint8.
            outputs: of this image alone, without the batch axis.
            card: of the bundle that was run.

        Returns:
            (h, w, 3) uint8.
        """
        ...
