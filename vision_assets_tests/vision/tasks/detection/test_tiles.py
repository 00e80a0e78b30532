"""Pictures much larger than what a network takes: seen in tiles, answered in pixels of all."""

import numpy as np
import pandas as pd
import pytest
import torch

from vision_assets.vision.export import export
from vision_assets.vision.inference.bundle import Bundle, CardClass
from vision_assets.vision.inference.predictor import Predictor
from vision_assets.vision.objects import AnnotatedObject, to_text
from vision_assets.vision.spec import ClassSpec
from vision_assets.vision.tasks.detection.answer.suppression import iou
from vision_assets.vision.tasks.detection.objective import chances
from vision_assets.vision.tasks.detection.spec import DetectionRecipe
from vision_assets.vision.tasks.detection.targets import BoxTargets, targets_of
from vision_assets.vision.tasks.registry import load_task
from vision_assets.vision.training.fit import fit
from vision_assets.vision.training.views import with_views
from vision_assets_tests.drawing import encode
from vision_assets_tests.vision.dataset.drawn_dataset import DATASET

SPOT = ClassSpec(id=4, name="spot")
CARD_CLASSES = (CardClass(id=4, name="spot", defect=True),)
TILES_OF_200 = DetectionRecipe.model_validate({"tiles": {"size_px": 200, "overlap": 0.25}})
TILES_OF_150 = DetectionRecipe.model_validate(
    {"image_size_px": 64, "epochs": 40, "tiles": {"size_px": 150, "overlap": 0.25}}
)


def draw_spot(seed: int, side_px: int) -> tuple[bytes, tuple[int, int, int, int]]:
    """A noisy surface with one dark disc of 24 to 36 pixels, and its box."""
    rng = np.random.default_rng(seed)
    radius, (x, y) = int(rng.integers(12, 18)), rng.integers(20, side_px - 20, 2).tolist()
    pixels = rng.normal(130, 6, (side_px, side_px))
    rows, columns = np.mgrid[:side_px, :side_px]
    pixels[(rows - y) ** 2 + (columns - x) ** 2 < radius**2] -= 80
    box = (max(0, x - radius), max(0, y - radius), x + radius, y + radius)
    return encode(pixels.clip(0, 255).astype(np.uint8), quality=90), box


def drawn(n: int, side_px: int) -> tuple[pd.DataFrame, dict[str, bytes]]:
    rows, images = [], {}
    for seed in range(n):
        data, box = draw_spot(seed, side_px)
        images[f"{seed:064d}"] = data
        rows.append(
            {
                "image_id": f"{seed:064d}",
                "objects": to_text([AnnotatedObject(SPOT.id, box)]),
                "class_id": SPOT.id,
                "label": SPOT.name,
                "width": side_px,
                "height": side_px,
                "split": "train" if seed % 5 else "val",
            }
        )
    return pd.DataFrame(rows), images


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    manifest, images = drawn(14, 240)
    task, root = load_task("detection"), tmp_path_factory.mktemp("tiles")

    def read(ids):
        return ((each, images[each]) for each in ids)

    trained = fit(task, manifest, read, TILES_OF_150, [SPOT], root / "models", DATASET, threads=1)
    return export(task, trained, root / "bundles", "drawn")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [100, 101, 102])
def test_a_small_object_on_a_large_picture_is_found_and_its_box_is_right(bundle: Bundle, seed: int):
    data, box = draw_spot(seed, 2000)
    objects = Predictor(bundle).predict(data)["objects"]
    assert len(objects) == 1
    assert iou(np.array([objects[0]["box"]]), np.array([box], float))[0, 0] > 0.5


def tiles_of(objects: list[AnnotatedObject], side_px: int = 400) -> tuple[pd.DataFrame, BoxTargets]:
    row = {"image_id": "a", "objects": to_text(objects), "width": side_px, "height": side_px}
    views = with_views(pd.DataFrame([row]), TILES_OF_200.input_size())
    return views, targets_of(views, CARD_CLASSES)


def test_each_tile_has_the_objects_that_it_shows_in_parts_of_its_sides():
    views, targets = tiles_of([AnnotatedObject(4, (10, 20, 60, 40))])
    assert len(views) == len(targets) == 9
    assert targets[0].boxes.tolist() == [pytest.approx([0.05, 0.1, 0.3, 0.2])]
    assert targets.counts().sum() == 1


def test_an_object_is_cut_at_the_edge_and_left_out_where_little_of_it_is_seen():
    views, targets = tiles_of([AnnotatedObject(4, (180, 0, 280, 100))])
    lefts = [window.left_px for window in views["window"]]
    by_left = {left: targets[place] for place, left in reversed(list(enumerate(lefts)))}
    assert lefts[:3] == [0, 100, 200]
    assert len(by_left[0]) == 0
    assert by_left[100].boxes.tolist() == [pytest.approx([0.4, 0, 0.9, 0.5])]
    assert by_left[200].boxes.tolist() == [pytest.approx([0, 0, 0.4, 0.5])]


def test_half_of_the_tiles_shown_have_objects_however_many_are_empty():
    _, targets = tiles_of([AnnotatedObject(4, (10, 20, 60, 40))])
    drawn = chances(targets)
    assert drawn is not None
    filled = targets.counts() > 0
    assert float(drawn[filled].sum()) == pytest.approx(float(drawn[~filled].sum()))


def test_where_few_images_are_empty_each_is_shown_once():
    _, targets = tiles_of([AnnotatedObject(4, (0, 0, 400, 400))])
    assert int((targets.counts() == 0).sum()) == 9
    assert chances(targets) is None
    assert isinstance(targets[np.array([0])], BoxTargets)
    assert torch.equal(targets[0:2].counts(), torch.zeros(2, dtype=torch.int64))
