"""The references are what the code says."""

from docs.generate import references


def test_the_references_are_up_to_date() -> None:
    for path, text in references().items():
        assert path.read_text(encoding="utf-8") == text, f"run `make docs`: {path.name} is old"
