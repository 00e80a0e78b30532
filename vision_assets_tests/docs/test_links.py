"""Links of the docs lead to pages, pictures and headings that are there."""

import re
from pathlib import Path

import pytest

from vision_assets_tests.docs.pages import PAGES, ROOT, anchors, links, name_of

ELSEWHERE = ("http://", "https://", "mailto:")


def _broken(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists():
        return True
    return bool(anchor) and target.suffix == ".md" and anchor not in anchors(target)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    here = [link for link in links(page) if not link.startswith(ELSEWHERE)]
    assert [link for link in here if _broken(page, link)] == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A `b` heading\n[x](#a-b-heading) [y](#nowhere) [z](gone.md) `[w](w.md)`\n")
    assert [link for link in links(page) if _broken(page, link)] == ["#nowhere", "gone.md"]


def test_there_are_pages_and_links() -> None:
    assert len(PAGES) > 20
    assert sum(len(links(page)) for page in PAGES) > 60


def test_every_page_is_in_the_menu() -> None:
    menu = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    pages = [page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")]
    assert [page for page in pages if f" {page}\n" not in menu] == []


def test_the_tests_that_the_threat_model_names_are_there() -> None:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+\.py)`", text))
    there = {path.name for path in (ROOT / "vision_assets_tests").rglob("test_*.py")}
    assert len(named) > 8
    assert named <= there
