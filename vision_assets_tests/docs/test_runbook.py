"""The runbook names every error, every reason and every check that there is."""

from pathlib import Path

import pytest

import vision_assets
from docs.messages import error_classes
from vision_assets.vision.errors import Reason
from vision_assets.vision.use_case import UseCase
from vision_assets_tests.docs.pages import ROOT

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
MESSAGES = (ROOT / "docs" / "reference" / "messages.md").read_text(encoding="utf-8")
OWN = {"source": {"landing": "x", "label": "voc"}, "export": {"int8": True}}


def _check_names(component: str) -> set[str]:
    """Names of all checks that a component of the package declares."""
    kind = getattr(vision_assets, component)
    use_case = UseCase("parts", kind.task, kind.spec_type.model_validate(OWN))
    built = [build(use_case) for build in kind.asset_builders]
    return {spec.name for each in built for spec in each.check_specs}


@pytest.mark.parametrize("name", error_classes())
def test_every_error_is_in_the_runbook(name: str) -> None:
    assert f"| `{name}` |" in RUNBOOK


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_in_the_runbook(reason: Reason) -> None:
    assert f"`{reason.value}`" in RUNBOOK


@pytest.mark.parametrize("component", vision_assets.__all__)
def test_every_check_is_in_the_runbook(component: str) -> None:
    names = {name for name in _check_names(component) if not name.startswith("gate_")}
    assert len(names) > 15
    assert sorted(name for name in names if f"`{name}`" not in RUNBOOK) == []


def test_the_runbook_names_no_check_that_is_gone() -> None:
    table = RUNBOOK.split("## By check")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = {part.strip(" `") for row in rows for part in row.split(",")}
    known = set().union(*(_check_names(component) for component in vision_assets.__all__))
    assert sorted(named - known) == []


def test_messages_of_every_error_that_is_raised_are_listed() -> None:
    raised = [name for name in error_classes() if name != "VisionAssetsError"]
    assert [name for name in raised if f"\n## {name}\n" not in MESSAGES] == []


def test_a_message_says_what_is_filled_in(tmp_path: Path) -> None:
    assert "no use case `<name>` in `<defs_folder>`" in MESSAGES
    assert "**truncated**: " in MESSAGES
