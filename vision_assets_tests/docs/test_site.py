"""The site: built without a warning, and nothing in it is loaded from elsewhere."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path

import pytest

from vision_assets_tests.docs.pages import ROOT

LOADS = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src"}
_IN_STYLES = re.compile(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    if find_spec("mkdocs") is None and os.environ.get("CI") != "true":
        pytest.skip("mkdocs is not installed: run `make setup`")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip() == ""
    return folder


class _Loads(HTMLParser):
    """Collects what a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag in LOADS and said.get("rel") not in ("canonical", "next", "prev"):
            self.found.append(said.get(LOADS[tag]) or "")


def _loaded(page: Path) -> Iterator[str]:
    parser = _Loads()
    parser.feed(page.read_text(encoding="utf-8"))
    yield from parser.found


def test_every_page_is_there(site: Path) -> None:
    assert (site / "index.html").exists()
    assert (site / "reference" / "messages.html").exists()
    assert not list(site.rglob("*.py"))


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    loaded = {link for page in pages for link in _loaded(page)}
    assert len(pages) > 20
    assert len(loaded) > 5
    assert [link for link in loaded if re.match(r"(https?:)?//", link)] == []


def test_styles_load_nothing_from_elsewhere(site: Path) -> None:
    styles = list(site.rglob("*.css"))
    assert styles
    assert [path for path in styles if _IN_STYLES.search(path.read_text(encoding="utf-8"))] == []


def test_what_is_loaded_is_there(site: Path) -> None:
    missing = [
        (page.name, link)
        for page in site.rglob("*.html")
        for link in _loaded(page)
        if not link.startswith("data:")
        and page.name != "404.html"
        and not (page.parent / link.split("#")[0].split("?")[0]).exists()
    ]
    assert missing == []
