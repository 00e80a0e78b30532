"""The segmentation service, over HTTP: regions in pixels of the picture as it was sent."""

from pathlib import Path

import httpx
import numpy as np
import pytest

from vision_assets.home import Home
from vision_assets.serving.bento import build_bento
from vision_assets.serving.process import ServiceProcess
from vision_assets.vision.export import export
from vision_assets.vision.inference.geometry.rle import Rle, decode
from vision_assets.vision.inference.predictor import Predictor
from vision_assets.vision.spec import SourceSpec
from vision_assets.vision.tasks.registry import load_task
from vision_assets.vision.tasks.segmentation.spec import SegmentationRecipe, SegmentationSpec
from vision_assets.vision.training.fit import fit
from vision_assets.vision.use_case import UseCase
from vision_assets_tests.drawing import draw_pixels, encode
from vision_assets_tests.serving.conftest import SETTINGS
from vision_assets_tests.vision.dataset.drawn_dataset import DATASET, draw_dataset

RECIPE = SegmentationRecipe(image_size_px=32, epochs=12, batch_size=8, learning_rate=1e-2)
KEYS = ("label", "class_id", "score", "objects", "area_share", "defect_score", "decision")


@pytest.mark.slow
def test_it_answers_as_the_bundle_does(home: Home, tmp_path: Path):
    task, few = load_task("segmentation"), draw_dataset(per_class=15)
    model = fit(task, few.manifest, few.read, RECIPE, few.classes, tmp_path, DATASET, threads=1)
    bundle = export(task, model, home.bundles("regions"), "regions")
    spec = SegmentationSpec(source=SourceSpec(landing="landing"))
    built = build_bento(home, UseCase("regions", "segmentation", spec), bundle.folder)
    pixels = draw_pixels(4, "spot").repeat(5, 0).repeat(6, 1)
    picture = encode(pixels, "PNG")
    expected = Predictor(bundle).predict(picture)
    with (
        ServiceProcess(home, built, settings=SETTINGS) as running,
        httpx.Client(base_url=running.base_url, timeout=30, trust_env=False) as client,
    ):
        answer = client.post("/predict", files={"image": ("picture.png", picture)}).json()
        seen = client.post("/explain", files={"image": ("picture.png", picture)})
    assert {key: answer[key] for key in KEYS} == expected
    assert seen.status_code == 200
    for region in answer["objects"]:
        assert decode(Rle.from_json(region["mask"])).shape == pixels.shape
        assert np.shape(region["box"]) == (4,)
