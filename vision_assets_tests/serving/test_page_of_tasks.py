"""The page of the service draws what each task answers, where it is on the picture."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import FloatRect, Page

from vision_assets.home import Home
from vision_assets.serving.bento import build_bento
from vision_assets.serving.process import ServiceProcess
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.inference.predictor import Predictor
from vision_assets.vision.inference.service.settings import ServiceSettings
from vision_assets.vision.spec import SourceSpec
from vision_assets.vision.tasks.anomaly.spec import AnomalySpec
from vision_assets.vision.tasks.detection.spec import DetectionSpec
from vision_assets.vision.use_case import UseCase
from vision_assets_tests.drawing import encode
from vision_assets_tests.serving.bright_bundles import anomaly_bundle, detection_bundle
from vision_assets_tests.serving.browser import choose, opened

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WIDTH_PX, HEIGHT_PX = 320, 160
SPOT = (200, 20, 280, 60)
"""Left, top, right, bottom of what is bright, at edges of the model's cells."""
SOURCE = SourceSpec(landing="landing")


def picture() -> bytes:
    """Dark, with one bright spot."""
    left, top, right, bottom = SPOT
    pixels = np.full((HEIGHT_PX, WIDTH_PX, 3), 40, np.uint8)
    pixels[top:bottom, left:right] = 220
    return encode(pixels, "PNG")


@contextmanager
def answered(home: Home, use_case: UseCase, bundle: Bundle, folder: Path) -> Iterator[Page]:
    """The page of a service that was sent the picture."""
    built = build_bento(home, use_case, bundle.folder)
    with (
        ServiceProcess(home, built, settings=ServiceSettings(workers=1)) as service,
        opened(service.base_url) as page,
    ):
        choose(page, picture(), folder)
        page.wait_for_selector("#answer:visible")
        yield page


def on_screen(page: Page, box: tuple[int, ...]) -> list[float]:
    """Left, top, right, bottom of a box of the picture, where the browser shows the picture."""
    shown = page.locator("#picture").bounding_box()
    assert shown is not None
    scale = min(shown["width"] / WIDTH_PX, shown["height"] / HEIGHT_PX)
    left = shown["x"] + (shown["width"] - WIDTH_PX * scale) / 2
    top = shown["y"] + (shown["height"] - HEIGHT_PX * scale) / 2
    return [start + scale * at for start, at in zip((left, top) * 2, box, strict=True)]


def test_boxes_are_drawn_around_the_objects(home: Home, tmp_path: Path):
    bundle = detection_bundle(home.bundles("spots"))
    (found,) = Predictor(bundle).predict(picture())["objects"]
    assert found["box"] == pytest.approx(SPOT)
    use_case = UseCase("spots", "detection", DetectionSpec(source=SOURCE))
    with answered(home, use_case, bundle, tmp_path) as page:
        page.wait_for_selector("#objects rect", state="visible")
        assert page.locator("#objects polygon").count() == 0
        assert page.text_content("#objects text") == "spot 86.3 %"
        drawn = page.locator("#objects rect").bounding_box()
        assert drawn is not None
        edges = [drawn["x"], drawn["y"], drawn["x"] + drawn["width"], drawn["y"] + drawn["height"]]
        assert edges == pytest.approx(on_screen(page, SPOT), abs=2)


def test_the_map_of_an_answer_is_laid_over_the_picture(home: Home, tmp_path: Path):
    use_case = UseCase("odd", "anomaly", AnomalySpec(source=SOURCE))
    bundle = anomaly_bundle(home.bundles("odd"))
    with answered(home, use_case, bundle, tmp_path) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.wait_for_selector("#objects polygon", state="visible")
        assert page.inner_text("#label") == "anomaly"
        page.click("#heat")
        page.wait_for_selector("#overlay:visible")
        page.evaluate("document.getElementById('overlay').decode()")
        assert redness(page, (230, 35, 250, 45)) > 60
        assert redness(page, (20, 20, 150, 140)) < 2
        assert [url for url in asked if url.endswith("/explain")] == []
        page.click("#heat")
        page.wait_for_selector("#overlay", state="hidden")
        assert page.locator("#objects polygon").is_visible()


def redness(page: Page, box: tuple[int, ...]) -> float:
    """Red above blue, 0..255, of what the screen shows of a part of the picture."""
    left, top, right, bottom = on_screen(page, box)
    clip: FloatRect = {"x": left, "y": top, "width": right - left, "height": bottom - top}
    with Image.open(io.BytesIO(page.screenshot(clip=clip))) as shown:
        pixels = np.asarray(shown.convert("RGB"), float)
    return float((pixels[..., 0] - pixels[..., 2]).mean())
