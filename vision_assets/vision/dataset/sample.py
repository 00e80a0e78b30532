"""A few images of a dataset version that stand for all of it, and a few views of these."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from vision_assets.vision.inference.predictor import Predictor


def spread_sample(manifest: pd.DataFrame, n: int) -> list[str]:
    """Ids of images of the train split, spread over the classes.

    No threshold is chosen by them and no test judges by them: what is fitted to them, such as
    the ranges of INT8, leaves the promises that are made by val and test as they are.

    Args:
        manifest: of a dataset version.
        n: at most so many.

    Returns:
        At most n image ids: the first of each class, then the second of each, and so on.
    """
    rows = manifest[manifest["split"] == "train"].sort_values("image_id")
    turn = rows.groupby("class_id", dropna=False).cumcount()
    return rows.assign(turn=turn).sort_values(["turn", "image_id"])["image_id"].tolist()[:n]


def spread_views(
    predictor: Predictor, images: Sequence[bytes], each: int = 1
) -> Iterator[np.ndarray]:
    """What a model sees of images, spread over the images and over the places in them.

    Args:
        predictor: prepares them.
        images: encoded.
        each: views of one image, at most. Where a picture is seen in tiles, the first one walks
            from its beginning to its end as the images go by, and the others lie evenly around.

    Yields:
        (h, w, 3) uint8, at least one of each image.
    """
    for turn, data in enumerate(images):
        views = predictor.prepare(data).pixels
        n = min(each, len(views))
        first = (2 * turn + 1) * len(views) // (2 * len(images))
        yield from views[(first + np.arange(n) * len(views) // n) % len(views)]
