"""Files of the repository, quoted by pages: a block whose title is a path holds that file."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
_BLOCK = re.compile(r'^(```\w+ title="([^"]+)"\n).*?^```$', re.MULTILINE | re.DOTALL)


def quoting(page: Path) -> str:
    """The text of a page, with every file that it quotes as it is now."""
    return _BLOCK.sub(_quote, page.read_text(encoding="utf-8"))


def _quote(block: re.Match[str]) -> str:
    opening, path = block.groups()
    return f"{opening}{(ROOT / path).read_text(encoding='utf-8')}```"
