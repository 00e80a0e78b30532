"""The pages that people read: headings, links and commands of the Markdown files."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")],
    key=lambda path: (path.name != "index.md", path.relative_to(ROOT).as_posix()),
)
"""The quick start first: other pages go on with what it has made."""
_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!\\)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+?)\s*$", re.MULTILINE)
_ID = re.compile(r'id="([^"]+)"')


def name_of(page: Path) -> str:
    """The page as messages call it."""
    return page.relative_to(ROOT).as_posix()


def commands(page: Path) -> list[str]:
    """The fenced blocks of shell commands."""
    return [text.strip() for text in blocks(page, "sh")]


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a language."""
    text = page.read_text(encoding="utf-8")
    return [body for named, body in _FENCE.findall(text) if named == language]


def inline_commands(page: Path) -> list[str]:
    """Our commands that stand within a sentence or a table."""
    return re.findall(r"`(vision-assets [^`\n]+)`", _without_code(page))


def links(page: Path) -> list[str]:
    """The targets of all links and pictures outside of code."""
    return _LINK.findall(re.sub(r"`[^`\n]*`", "", _without_code(page)))


def anchors(page: Path) -> set[str]:
    """What a link may name behind `#`, as the site makes them of headings."""
    text = _without_code(page)
    return {_slug(heading) for heading in _HEADING.findall(text)} | set(_ID.findall(text))


def _without_code(page: Path) -> str:
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def _slug(heading: str) -> str:
    plain = re.sub(r"[^\w\s-]", "", heading.replace("`", "").lower()).strip()
    return re.sub(r"[-\s]+", "-", plain)
