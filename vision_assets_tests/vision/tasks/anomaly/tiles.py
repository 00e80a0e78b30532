"""Magnetic tiles with their masks, as a dataset: normals in every split, defects in test alone."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from vision_assets.vision.inference.geometry.rle import encode
from vision_assets.vision.objects import AnnotatedObject, to_text
from vision_assets.vision.spec import ClassSpec
from vision_assets_tests.vision.dataset.drawn_dataset import DrawnDataset

NORMAL = "MT_Free"
FOLDERS = (NORMAL, "MT_Blowhole", "MT_Break", "MT_Crack", "MT_Fray", "MT_Uneven")
_MASK_FROM = 128


class Tiles(DrawnDataset):
    """Images of the folder `magnetic-tile`."""

    @property
    def classes(self) -> tuple[ClassSpec, ...]:
        return tuple(
            ClassSpec(id=place, name=name, defect=name != NORMAL)
            for place, name in enumerate(FOLDERS)
        )


def read_tiles(
    folder: Path, shares: tuple[float, float] = (0.7, 0.1), seed: int = 0, step: int = 1
) -> Tiles:
    """Read the tiles.

    Args:
        folder: `magnetic-tile`.
        shares: of the normal images, in train and val; the others are in test.
        seed: of the split.
        step: every so many images are taken.
    """
    rows, images = [], {}
    for class_id, name in enumerate(FOLDERS):
        for path in sorted((folder / name / "Imgs").glob("*.jpg"))[::step]:
            data = path.read_bytes()
            image_id = hashlib.sha256(data).hexdigest()
            images[image_id] = data
            rows.append({"image_id": image_id, "class_id": class_id, "label": name, **_known(path)})
    manifest = pd.DataFrame(rows).drop_duplicates("image_id").assign(split="test")
    normal = manifest.index[manifest["label"] == NORMAL].to_numpy()
    normal = np.random.default_rng(seed).permutation(normal)
    train, val = (round(len(normal) * sum(shares[: end + 1])) for end in range(2))
    manifest.loc[normal[:train], "split"] = "train"
    manifest.loc[normal[train:val], "split"] = "val"
    return Tiles(manifest.astype({"class_id": "Int64"}), images)


def _known(path: Path) -> dict[str, object]:
    """Size and objects: the mask beside the picture, which was saved through a lossy step."""
    mask = np.asarray(Image.open(path.with_suffix(".png")).convert("L")) >= _MASK_FROM
    height, width = mask.shape
    whole = (0.0, 0.0, float(width), float(height))
    objects = [AnnotatedObject(1, whole, mask=encode(mask))] if mask.any() else []
    defect = path.parent.parent.name != NORMAL
    return {
        "width": width,
        "height": height,
        "objects": to_text(objects) if objects or not defect else None,
    }
