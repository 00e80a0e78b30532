"""The segmentation service, over HTTP: regions in pixels of the picture as it was sent."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from vision_assets.home import Home
from vision_assets.serving.bento import build_bento
from vision_assets.serving.process import ServiceProcess
from vision_assets.vision.export import export
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.inference.geometry.rle import Rle, decode
from vision_assets.vision.inference.predictor import Predictor
from vision_assets.vision.spec import SourceSpec
from vision_assets.vision.tasks.registry import load_task
from vision_assets.vision.tasks.segmentation.spec import SegmentationRecipe, SegmentationSpec
from vision_assets.vision.training.fit import fit
from vision_assets.vision.use_case import UseCase
from vision_assets_tests.drawing import draw_pixels, encode
from vision_assets_tests.serving.browser import choose, opened
from vision_assets_tests.serving.conftest import SETTINGS
from vision_assets_tests.vision.dataset.drawn_dataset import DATASET, draw_dataset

RECIPE = SegmentationRecipe(image_size_px=32, epochs=12, batch_size=8, learning_rate=1e-2)
KEYS = ("label", "class_id", "score", "objects", "area_share", "defect_score", "decision")


PIXELS = draw_pixels(4, "spot").repeat(5, 0).repeat(6, 1)
PICTURE = encode(PIXELS, "PNG")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bundle(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    task, few, place = load_task("segmentation"), draw_dataset(per_class=15), tmp_path_factory
    models = place.mktemp("models")
    model = fit(task, few.manifest, few.read, RECIPE, few.classes, models, DATASET, threads=1)
    return export(task, model, home.bundles("regions"), "regions")


@pytest.fixture(scope="module")
def running(home: Home, bundle: Bundle) -> Iterator[ServiceProcess]:
    spec = SegmentationSpec(source=SourceSpec(landing="landing"))
    built = build_bento(home, UseCase("regions", "segmentation", spec), bundle.folder)
    with ServiceProcess(home, built, settings=SETTINGS) as running:
        yield running


def test_it_answers_as_the_bundle_does(running: ServiceProcess, bundle: Bundle):
    with httpx.Client(base_url=running.base_url, timeout=30, trust_env=False) as client:
        answer = client.post("/predict", files={"image": ("picture.png", PICTURE)}).json()
        seen = client.post("/explain", files={"image": ("picture.png", PICTURE)})
    assert {key: answer[key] for key in KEYS} == Predictor(bundle).predict(PICTURE)
    assert seen.status_code == 200
    for region in answer["objects"]:
        assert decode(Rle.from_json(region["mask"])).shape == PIXELS.shape
        assert np.shape(region["box"]) == (4,)


@pytest.mark.browser
def test_the_page_draws_the_regions_over_the_picture(
    running: ServiceProcess, bundle: Bundle, tmp_path: Path
):
    expected = Predictor(bundle).predict(PICTURE)["objects"]
    with opened(running.base_url) as page:
        choose(page, PICTURE, tmp_path)
        page.wait_for_selector("#objects polygon", state="visible")
        assert page.locator("#objects > g").count() == len(expected) > 0
        picture, regions = (page.locator(name).bounding_box() for name in ("#picture", "#objects"))
        assert regions == picture
        page.screenshot(path=tmp_path / "page.png")
