"""Real masks: lossy ones, small defects, tiles of any size, four of a defect class without any."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from vision_assets.vision.evaluation.evaluate import evaluate
from vision_assets.vision.export import export
from vision_assets.vision.inference.geometry.rle import encode
from vision_assets.vision.objects import AnnotatedObject, from_text, main_class, to_text
from vision_assets.vision.spec import ClassSpec
from vision_assets.vision.tasks.registry import load_task
from vision_assets.vision.tasks.segmentation.class_map import class_map
from vision_assets.vision.tasks.segmentation.spec import SegmentationRecipe
from vision_assets.vision.training.fit import fit
from vision_assets_tests.vision.dataset.drawn_dataset import DATASET, DrawnDataset

NAMES = ("Blowhole", "Break", "Crack", "Fray", "Uneven")
THRESHOLD = 128
SPLITS = ("train", "train", "train", "val", "test")


class Tiles(DrawnDataset):
    @property
    def classes(self):
        return tuple(ClassSpec(id=n, name=name) for n, name in enumerate(NAMES))


def mask_of(path: Path) -> np.ndarray:
    with Image.open(path.with_suffix(".png")) as image:
        return np.asarray(image.convert("L")) >= THRESHOLD


def objects_of(path: Path) -> list[AnnotatedObject]:
    label, mask = path.parts[-3].removeprefix("MT_"), mask_of(path)
    if label not in NAMES or not mask.any():
        return []
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
    return [AnnotatedObject(NAMES.index(label), box, mask=encode(mask))]


@pytest.fixture(scope="module")
def tiles(real_data: Path) -> Tiles:
    """Twenty of each folder."""
    rows, images = [], {}
    for folder in sorted((real_data / "magnetic-tile").glob("MT_*")):
        for n, path in enumerate(sorted((folder / "Imgs").glob("*.jpg"))[:20]):
            data = path.read_bytes()
            image_id = hashlib.sha256(data).hexdigest()
            images[image_id] = data
            height, width = mask_of(path).shape
            rows.append(
                {
                    "image_id": image_id,
                    "path": path,
                    "class_id": main_class(objects_of(path)),
                    "label": path.parts[-3],
                    "objects": to_text(objects_of(path)),
                    "width": width,
                    "height": height,
                    "split": SPLITS[n % 5],
                }
            )
    return Tiles(pd.DataFrame(rows), images)


@pytest.mark.real_data
def test_masks_come_back_pixel_by_pixel(tiles: Tiles):
    for row in tiles.manifest.to_dict("records"):
        shown = class_map(
            from_text(row["objects"]), row["height"], row["width"], {n: n + 1 for n in range(5)}
        )
        expected = mask_of(row["path"]) if from_text(row["objects"]) else np.zeros(shown.shape)
        assert np.array_equal(shown > 0, expected)


@pytest.mark.real_data
@pytest.mark.slow
def test_a_short_training_runs_from_masks_to_figures(tiles: Tiles, tmp_path: Path):
    task = load_task("segmentation")
    recipe = SegmentationRecipe(image_size_px=96, epochs=4, batch_size=8)
    model = fit(
        task, tiles.manifest, tiles.read, recipe, tiles.classes, tmp_path, DATASET, threads=1
    )
    first, *_, last = model.history
    assert last.train_loss < first.train_loss
    bundle = export(task, model, tmp_path / "bundles", "tiles")
    found = evaluate(task, bundle, tiles.test, tiles.read)
    assert 0 <= found.metrics["mean_iou"] <= 1
    assert set(NAMES) <= set(found.per_class["label"])
    shown = found.per_class.set_index("label")["support"]
    assert (shown[list(NAMES)] >= 3).all()
