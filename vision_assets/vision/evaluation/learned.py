"""What a bundle learned from, so that none is judged by what it knows."""

from collections.abc import Sequence

import pandas as pd

from vision_assets.vision.dataset.versions import DatasetVersions
from vision_assets.vision.inference.bundle import Card

_LEARNED = ("train", "val")


def learned_from(card: Card, versions: DatasetVersions) -> set[str]:
    """Ids of the images that a bundle's model was trained or its thresholds were chosen on.

    Raises:
        DatasetError: the dataset version of the bundle is gone.
    """
    manifest = versions.get(card.dataset["name"]).manifest(["image_id", "split"])
    return set(manifest.loc[manifest["split"].isin(_LEARNED), "image_id"])


def unseen(rows: pd.DataFrame, versions: DatasetVersions, cards: Sequence[Card]) -> pd.DataFrame:
    """Those of the rows that no bundle learned from.

    Raises:
        DatasetError: the dataset version of a bundle is gone.
    """
    of_each_version = {card.dataset["name"]: card for card in cards}.values()
    learned = set[str]().union(*(learned_from(card, versions) for card in of_each_version))
    return rows[~rows["image_id"].isin(learned)]
