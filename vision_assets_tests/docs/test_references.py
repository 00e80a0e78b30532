"""The references are what the code says."""

import re
from pathlib import Path

from docs.generate import QUOTING, references
from docs.quotes import quoting
from vision_assets_tests.docs.pages import ROOT


def test_a_page_quotes_the_files_of_a_task() -> None:
    folder = "vision_assets_tests/vision/tasks/toy"
    modules = [path for path in (ROOT / folder).rglob("*.py") if path.name != "__init__.py"]
    quoted = set(re.findall(r'^```python title="(.+)"$', QUOTING.read_text(), re.MULTILINE))
    assert quoted == {path.relative_to(ROOT).as_posix() for path in modules}


def test_a_quote_that_differs_is_put_right(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text('a\n```python title="docs/__init__.py"\nold = 1\n```\n```python\nx\n```\n')
    kept = (ROOT / "docs" / "__init__.py").read_text()
    expected = f'a\n```python title="docs/__init__.py"\n{kept}```\n```python\nx\n```\n'
    assert quoting(page) == expected


def test_the_references_are_up_to_date() -> None:
    for path, text in references().items():
        assert path.read_text(encoding="utf-8") == text, f"run `make docs`: {path.name} is old"
