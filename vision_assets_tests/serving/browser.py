"""Chromium before a page of a service."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

# Playwright looks for five seconds, a machine with other work may take longer.
expect.set_options(timeout=60_000)


@contextmanager
def opened(url: str) -> Iterator[Page]:
    """The page in Chromium: the system's, or Playwright's own where there is none."""
    chromium = shutil.which("chromium")
    options = ["--no-sandbox", "--disable-background-networking"]
    options += ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=chromium, args=options)
        page = browser.new_page(viewport={"width": 1024, "height": 768})
        page.goto(url)
        yield page
        browser.close()


def choose(page: Page, data: bytes, folder: Path) -> None:
    """Choose a picture, as a person does in the dialog for files."""
    (folder / "picture.png").write_bytes(data)
    page.set_input_files("#file", folder / "picture.png")
