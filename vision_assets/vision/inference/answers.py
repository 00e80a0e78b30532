"""What the torch-free half of a task does: model outputs to answers.

`tasks/<task>/answer.py` defines these functions; the module itself is the plug-in, found by
the task's name in a bundle's card (`vision_assets.vision.tasks.registry.load_answers`).
"""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from vision_assets.vision.inference.bundle import Card, CardClass
from vision_assets.vision.inference.geometry.windows import Picture

Answer = dict[str, Any]
"""JSON-ready: what the endpoint returns for one image."""
NOTHING_ID = -1
"""Class id of an image that was looked at and shows no object."""
NOTHING = "(nothing)"
"""Its label."""
SOUND = CardClass(id=NOTHING_ID, name=NOTHING, defect=False)
"""Its class: a good part."""
Outputs = dict[str, np.ndarray]
"""Outputs of a model by name."""


class Answers(Protocol):
    """The functions of an answer module.

    A module may have a `beside_answer(outputs, card, picture)` as well: what its measure needs
    beside the answer and what nobody else is told, such as objects that are too faint.

    Attributes:
        DECISIVE: names of the outputs that an answer follows from; `difference` compares these.
    """

    DECISIVE: tuple[str, ...]

    def to_answer(
        self,
        outputs: Outputs,
        card: Card,
        picture: Picture,
        thresholds: Mapping[str, float],
    ) -> Answer:
        """The answer for one image.

        Args:
            outputs: of this image; the first axis is that of the picture's windows.
            card: of the bundle that was run.
            picture: what the model saw; coordinates in an answer are its pixels.
            thresholds: to decide by, usually those of the card.

        Returns:
            Of every task: `label`, `class_id` and `score`, the answer in one word, where an image
            without any object has NOTHING; `defect_score` and the `decision` by it. Of
            tasks that find where: `objects`, a list of `label`, `class_id`, `score`, `box`
            (left, top, right, bottom) and, where known, `polygons` or `mask` (COCO's run lengths).
        """
        ...

    def difference(self, one: Outputs, other: Outputs) -> float:
        """Largest absolute difference between the decisive outputs of two runs of a batch."""
        ...

    def same(self, one: Answer, other: Answer) -> bool:
        """Whether two answers for an image decide alike; rounding of scores does not count."""
        ...

    def draw(
        self, pixels: np.ndarray, outputs: Outputs, card: Card, picture: Picture
    ) -> np.ndarray:
        """What the model saw, drawn over the upright picture.

        Args:
            pixels: (h, w, 3) uint8; the picture, or a copy of another size.
            outputs: of this image; the first axis is that of the picture's windows.
            card: of the bundle that was run.
            picture: what the model saw, in pixels of the copy.

        Returns:
            (h, w, 3) uint8.
        """
        ...
