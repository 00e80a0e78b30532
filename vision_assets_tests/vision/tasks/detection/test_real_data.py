"""Detection on real images: a short training on blood smears finds most cells."""

import hashlib
import time
from pathlib import Path

import pandas as pd
import pytest
from defusedxml.ElementTree import parse

from vision_assets.vision.evaluation.evaluate import evaluate
from vision_assets.vision.export import export
from vision_assets.vision.objects import AnnotatedObject, main_class, to_text
from vision_assets.vision.spec import ClassSpec
from vision_assets.vision.tasks.detection.spec import DetectionRecipe
from vision_assets.vision.tasks.registry import load_task
from vision_assets.vision.training.fit import fit
from vision_assets_tests.vision.dataset.drawn_dataset import DATASET

pytestmark = [pytest.mark.real_data, pytest.mark.slow, pytest.mark.timeout(1800)]

NAMES = ("RBC", "WBC", "Platelets")
SIDES = ("xmin", "ymin", "xmax", "ymax")
SHORT = DetectionRecipe(epochs=6, image_size_px=128)


def objects_of(annotation: Path) -> list[AnnotatedObject]:
    """Without the boxes of no area."""
    found = []
    for each in parse(annotation).iter("object"):
        left, top, right, bottom = (float(each.findtext(f"bndbox/{side}", "")) for side in SIDES)
        if left < right and top < bottom:
            box = (left - 1, top - 1, right, bottom)
            found.append(AnnotatedObject(NAMES.index(each.findtext("name", "")), box))
    return found


def test_a_short_training_finds_most_cells(real_data: Path, tmp_path: Path):
    rows, images = [], {}
    for split in ("train", "val", "test"):
        for stem in (real_data / "bccd/ImageSets/Main" / f"{split}.txt").read_text().split():
            data = (real_data / "bccd/JPEGImages" / f"{stem}.jpg").read_bytes()
            objects = objects_of(real_data / "bccd/Annotations" / f"{stem}.xml")
            image_id = hashlib.sha256(data).hexdigest()
            images[image_id] = data
            rows.append(
                {
                    "image_id": image_id,
                    "objects": to_text(objects),
                    "class_id": main_class(objects),
                    "label": NAMES[main_class(objects)],
                    "width": 640,
                    "height": 480,
                    "split": split,
                }
            )
    manifest = pd.DataFrame(rows).drop_duplicates("image_id")
    classes = [ClassSpec(id=n, name=name) for n, name in enumerate(NAMES)]

    def read(ids):
        return ((each, images[each]) for each in ids)

    task, began = load_task("detection"), time.monotonic()
    trained = fit(task, manifest, read, SHORT, classes, tmp_path / "models", DATASET)
    bundle = export(task, trained, tmp_path / "bundles", "bccd")
    test = evaluate(task, bundle, manifest[manifest["split"] == "test"], read)
    print(f"{test.metrics} after {time.monotonic() - began:.0f} s")
    assert test.metrics["mean_average_precision_50"] > 0.6
