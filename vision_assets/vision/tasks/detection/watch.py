"""What a training of a detector watches on the val split."""

from collections.abc import Sequence

import numpy as np

from vision_assets.vision.tasks.detection.answer import FAINTEST
from vision_assets.vision.tasks.detection.detector import Found
from vision_assets.vision.tasks.detection.matching import Boxes, matched
from vision_assets.vision.tasks.detection.precision import average_precision
from vision_assets.vision.tasks.detection.suppression import suppress
from vision_assets.vision.tasks.detection.targets import BoxTargets

Noted = list[tuple[Boxes, Boxes]]
"""What was found in each view of a batch, and what is there."""


def note(found: Found, targets: BoxTargets, overlap: float, most: int) -> Noted:
    """The boxes of a batch, one for each object; coordinates are parts of the view.

    Args:
        found: of the batch.
        targets: of the same views.
        overlap: IoU from which two boxes are of one object.
        most: boxes of a view.
    """
    boxes, scores, classes = (
        each.detach().cpu().float().numpy() for each in (found.boxes, found.scores, found.classes)
    )
    noted: Noted = []
    for view, objects in enumerate(targets):
        sure = scores[view] >= FAINTEST
        these = Boxes(boxes[view][sure], classes[view][sure].astype(np.int64), scores[view][sure])
        uncut = np.zeros(len(these), bool)
        kept = suppress(these.boxes, these.scores, these.classes, uncut, overlap, most)
        truth = Boxes(objects.boxes.numpy(), objects.classes.numpy(), np.ones(len(objects)))
        noted.append((these[kept], truth))
    return noted


def mean_average_precision_50(batches: Sequence[Noted]) -> float:
    """Over the classes that the views show; 0 where they show none."""
    noted = [each for batch in batches for each in batch]
    shown = sorted({int(each) for _, truth in noted for each in truth.classes})
    hits = [matched(found, truth) >= 0 for found, truth in noted]
    precise = [_of_class(class_id, noted, hits) for class_id in shown]
    return float(np.mean(precise)) if precise else 0.0


def _of_class(class_id: int, noted: Noted, hits: Sequence[np.ndarray]) -> float:
    of_class = [found.classes == class_id for found, _ in noted]
    scores = [found.scores[of] for (found, _), of in zip(noted, of_class, strict=True)]
    return float(
        average_precision(
            scores=np.concatenate(scores),
            hits=np.concatenate([hit[of] for hit, of in zip(hits, of_class, strict=True)]),
            images=np.repeat(np.arange(len(noted)), [len(each) for each in scores]),
            n_truth=np.array([(truth.classes == class_id).sum() for _, truth in noted], float),
            by=np.ones((1, len(noted))),
        )[0]
    )
