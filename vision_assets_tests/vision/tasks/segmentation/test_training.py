"""It learns where defects are, from pictures and from tiles; what it learned ships in INT8 too."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from vision_assets.vision.errors import TrainingError
from vision_assets.vision.evaluation.evaluate import evaluate
from vision_assets.vision.evaluation.scorecard import Scorecard
from vision_assets.vision.export import export
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.inference.golden import check_golden
from vision_assets.vision.inference.predictor import Predictor
from vision_assets.vision.quantize import quantise
from vision_assets.vision.spec import TilesSpec
from vision_assets.vision.tasks.registry import load_task
from vision_assets.vision.tasks.segmentation.spec import SegmentationRecipe
from vision_assets.vision.training.fit import fit
from vision_assets.vision.training.progress import EpochReport
from vision_assets.vision.training.trained_model import TrainedModel
from vision_assets_tests.vision.dataset.drawn_dataset import DATASET, DrawnDataset, draw_dataset

TASK = load_task("segmentation")
RECIPE = SegmentationRecipe(image_size_px=32, epochs=12, batch_size=16, learning_rate=1e-2)
LARGE_PX = 96
TILED = RECIPE.model_copy(update={"tiles": TilesSpec(size_px=48, overlap=0.25), "epochs": 6})


def train(drawn: DrawnDataset, root: Path, recipe=RECIPE, **options) -> TrainedModel:
    return fit(
        TASK, drawn.manifest, drawn.read, recipe, drawn.classes, root, DATASET, threads=1, **options
    )


def judged(drawn: DrawnDataset, bundle: Bundle) -> Scorecard:
    return evaluate(TASK, bundle, drawn.test, drawn.read)


@pytest.fixture(scope="module")
def few() -> DrawnDataset:
    return draw_dataset(per_class=10)


@pytest.fixture(scope="module")
def bundle(drawn: DrawnDataset, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    root = tmp_path_factory.mktemp("segmentation")
    golden = list(drawn.images.values())[:3]
    return export(TASK, train(drawn, root / "models"), root / "bundles", "drawn", golden)


@pytest.mark.slow
def test_it_learns_where_defects_are(drawn: DrawnDataset, bundle: Bundle):
    found = judged(drawn, bundle)
    assert found.metrics["mean_iou"] > 0.5
    assert found.metrics["image_accuracy"] > 0.7
    of_good = found.predictions[~found.predictions["defect"]]
    of_defect = found.predictions[found.predictions["defect"]]
    assert of_good["defect_score"].median() < 0.3 < 0.7 < of_defect["defect_score"].median()


@pytest.mark.slow
def test_the_integers_of_a_bundle_see_what_its_floats_see(drawn: DrawnDataset, bundle: Bundle):
    images = list(drawn.images.values())
    integers = quantise(bundle, images[::4], images[:3])
    assert check_golden(Predictor(integers)) == 0
    floats, rounded = (judged(drawn, each).metrics["mean_iou"] for each in (bundle, integers))
    assert rounded > floats - 0.1


@pytest.mark.slow
def test_tiles_are_learned_from_and_answered_in_a_larger_picture(tmp_path: Path):
    drawn = draw_dataset(per_class=20, side_px=LARGE_PX)
    tiled = export(TASK, train(drawn, tmp_path / "models", TILED), tmp_path / "bundles", "drawn")
    assert judged(drawn, tiled).metrics["defect_iou"] > 0.4
    picture, (left, top) = placed(drawn, "spot", 5, 7)
    spots = [each for each in Predictor(tiled).predict(picture)["objects"] if each["score"] > 0.6]
    centres = [(np.mean(each["box"][::2]), np.mean(each["box"][1::2])) for each in spots]
    assert any(left < x < left + LARGE_PX and top < y < top + LARGE_PX for x, y in centres), centres


def placed(
    drawn: DrawnDataset, label: str, columns: int, rows: int
) -> tuple[bytes, tuple[int, int]]:
    """One drawn defect in a large picture of good ones, and where it lies."""
    of_label = drawn.manifest.groupby("label")["image_id"].apply(list)
    good = np.asarray(Image.open(io.BytesIO(drawn.images[of_label["good"][4]])))
    pixels = np.tile(good, (rows, columns))
    left, top = 2 * LARGE_PX, 4 * LARGE_PX
    bad = np.asarray(Image.open(io.BytesIO(drawn.images[of_label[label][4]])))
    pixels[top : top + LARGE_PX, left : left + LARGE_PX] = bad
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue(), (left, top)


def test_a_training_that_was_stopped_goes_on_to_the_same_weights(few: DrawnDataset, tmp_path: Path):
    recipe = RECIPE.model_copy(update={"epochs": 2})

    class Stopped(Exception):
        pass

    def stop(report: EpochReport) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        train(few, tmp_path / "stopped", recipe, on_epoch=stop)
    said: list[str] = []
    resumed = train(few, tmp_path / "stopped", recipe, say=said.append)
    once = train(few, tmp_path / "once", recipe)
    assert "resumed after epoch 1 of 2" in said
    assert resumed.model_id == once.model_id
    assert resumed.calibration == once.calibration


def test_boxes_that_stand_for_regions_are_told(few: DrawnDataset, tmp_path: Path):
    boxes = few.manifest["objects"].str.replace(r',"mask":\{[^}]*\}', "", regex=True)
    said: list[str] = []
    recipe = RECIPE.model_copy(update={"epochs": 1})
    train(
        DrawnDataset(few.manifest.assign(objects=boxes), few.images),
        tmp_path,
        recipe,
        say=said.append,
    )
    assert any("16 of 16 objects have a box alone" in line for line in said), said
    said.clear()
    train(few, tmp_path, recipe, say=said.append)
    assert not any("box alone" in line for line in said)


def test_a_train_split_without_objects_is_told(few: DrawnDataset, tmp_path: Path):
    empty = DrawnDataset(few.manifest.assign(objects="[]"), few.images)
    with pytest.raises(TrainingError, match="expected objects in the train split, got none"):
        train(empty, tmp_path)


def test_images_that_nobody_annotated_are_told(few: DrawnDataset, tmp_path: Path):
    unsaid = DrawnDataset(few.manifest.assign(objects=pd.NA), few.images)
    with pytest.raises(TrainingError, match="expected a list of objects for every image"):
        train(unsaid, tmp_path)
