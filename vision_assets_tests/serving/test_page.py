"""The page of the service, used by a real browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from vision_assets.serving.process import ServiceProcess
from vision_assets.vision.inference.service.keys import KEYS_VARIABLE
from vision_assets_tests.serving.browser import choose, opened
from vision_assets_tests.serving.bundles import colour_png

pytestmark = pytest.mark.browser


@pytest.fixture
def page(service) -> Iterator[Page]:
    with opened(service.base_url) as page:
        yield page


def test_a_chosen_picture_gets_its_answer(page, tmp_path, bundle_folder):
    choose(page, colour_png("green"), tmp_path)
    page.wait_for_selector("#answer:visible")
    assert page.inner_text("#label") == "green"
    assert page.locator("#scores li").count() == 3
    assert page.locator("#scores li").first.inner_text().startswith("green")
    assert bundle_folder.name in page.inner_text("#facts")


def test_a_refused_picture_says_why_and_the_next_one_is_answered(page, tmp_path):
    choose(page, b"no picture", tmp_path)
    page.wait_for_selector("#refusal:visible")
    assert page.inner_text("#refused") == "Refused: not an image"
    choose(page, colour_png("red"), tmp_path)
    page.wait_for_selector("#answer:visible")
    assert page.inner_text("#label") == "red"


def test_a_dropped_picture_gets_its_answer(page):
    page.evaluate(
        """(bytes) => {
            const files = new DataTransfer();
            files.items.add(new File([new Uint8Array(bytes)], "p.png", { type: "image/png" }));
            document.dispatchEvent(new DragEvent("drop", { dataTransfer: files, bubbles: true }));
        }""",
        list(colour_png("blue")),
    )
    page.wait_for_selector("#answer:visible")
    assert page.inner_text("#label") == "blue"


def test_the_page_loads_nothing_from_elsewhere(page, service):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path, drawn in (("/", "#bento:not(:empty)"), ("/docs", "#api .opblock")):
        page.goto(service.base_url + path)
        page.wait_for_selector(drawn, state="attached")
    assert asked
    assert [url for url in asked if not url.startswith((service.base_url, "data:"))] == []


def test_the_decision_and_its_thresholds_are_shown(page, tmp_path):
    choose(page, colour_png("red"), tmp_path)
    page.wait_for_selector("#decision:visible")
    assert page.inner_text("#decision") == "pass"
    assert "passed below 20.0 %, refused from 95.0 %" in page.inner_text("#defect")


def test_the_heatmap_is_laid_over_the_picture_and_taken_away(page, tmp_path):
    choose(page, colour_png("green"), tmp_path)
    page.click("#heat")
    page.wait_for_selector("#overlay:visible")
    assert page.evaluate("document.getElementById('overlay').naturalWidth") == 32
    page.click("#heat")
    page.wait_for_selector("#overlay", state="hidden")


def test_a_picture_of_the_camera_gets_its_answer(page):
    page.click("#camera")
    page.wait_for_function("document.getElementById('video').videoWidth > 0")
    page.click("#take")
    page.wait_for_selector("#answer:visible")
    assert page.is_hidden("#video")


@pytest.mark.parametrize("size", [(1024, 768), (768, 1024), (390, 844)])
def test_nothing_is_wider_than_the_screen(page, tmp_path, size: tuple[int, int]):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    choose(page, colour_png("green"), tmp_path)
    page.wait_for_selector("#answer:visible")
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_a_key_is_asked_for_where_one_is_needed(page, home, built, tmp_path):
    keys = {KEYS_VARIABLE: '{"tablet": "the key of the tablet"}'}
    with ServiceProcess(home, built, variables=keys) as locked:
        page.goto(locked.base_url)
        choose(page, colour_png("red"), tmp_path)
        page.wait_for_selector("#locked:visible")
        assert page.inner_text("#refused") == "Refused: no valid key"
        page.fill("#key", "the key of the tablet")
        page.press("#key", "Enter")
        page.wait_for_selector("#answer:visible")
        assert page.inner_text("#label") == "red"
        assert page.is_hidden("#locked")
