"""Every command of the docs is run as it stands, or says here why not and what proves it."""

import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer

from vision_assets.cli import app
from vision_assets_tests.docs.pages import PAGES, ROOT, blocks, commands, inline_commands, name_of

GENERATED = ("docs/reference/",)
STANDS_FOR = {
    "/mnt/backup/plant": "backup",
    "1f2e3d4c5b6a": "$(ls .vision_assets/bundles/castings | head -n 1)",
}
"""Folders and ids of the docs' reader, and what they are here."""


@dataclass(frozen=True)
class Block:
    """A fenced block of commands."""

    page: str
    number: int
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.number}"


@dataclass(frozen=True)
class Elsewhere:
    """Why a block is not run here, and the test or script that runs the same.

    Attributes:
        page: that it stands on; empty: on several.
    """

    why: str
    by: str
    page: str = ""

    @property
    def is_there(self) -> bool:
        """Whether its page is part of this tree."""
        return not self.page or (ROOT / self.page).exists()


_MAKE = Elsewhere("builds environments and takes minutes; here make reads it", ".ci/run")
_ASKS = Elsewhere("needs an endpoint that runs", "vision_assets_tests/serving/test_serving_docs.py")
NOT_RUN = {
    "make ": _MAKE,
    'curl -sf -H "X-API-Key: $KEY"': _ASKS,
    "curl -F image=@picture.jpg": Elsewhere(
        "needs the demo's endpoint",
        "vision_assets_tests/graph/test_chain.py::"
        "test_the_endpoint_answers_with_the_bundle_that_was_deployed",
    ),
    "source .venv/bin/activate": Elsewhere(
        "a placeholder stands for the reader's folder; the quick start has the same commands",
        "vision_assets_tests/docs/test_commands.py::test_the_command_works",
    ),
    "docker build": Elsewhere("needs Docker", "vision_assets_tests/serving/test_containerize.py"),
    "vision-assets restore": Elsewhere(
        "several ways of which one would do, each onto a home of its own",
        "vision_assets_tests/keeping/test_restored_home.py",
        "docs/housekeeping.md",
    ),
    "vision-assets status   ": Elsewhere(
        "its last line fails where a person is needed, as here",
        "vision_assets_tests/cli/test_status.py",
        "docs/automation.md",
    ),
    ".venv/bin/python -m pytest": Elsewhere(
        "kills servers for minutes; CI runs the faults", ".ci/run", "docs/faults.md"
    ),
}
"""By the beginning of a block."""

BLOCKS = [
    Block(name_of(page), number, text)
    for page in PAGES
    if not name_of(page).startswith(GENERATED)
    for number, text in enumerate(commands(page), 1)
]


def _elsewhere(block: Block) -> Elsewhere | None:
    return next((why for start, why in NOT_RUN.items() if block.text.startswith(start)), None)


RUN_HERE = [block for block in BLOCKS if _elsewhere(block) is None]


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("block", RUN_HERE, ids=str)
def test_the_command_works(project, block: Block) -> None:
    text = block.text
    for theirs, here in STANDS_FOR.items():
        text = text.replace(theirs, here)
    project.checked(text)


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.text.startswith("make ")], ids=str
)
def test_make_knows_the_chores(block: Block) -> None:
    for line in block.text.splitlines():
        words = shlex.split(line, comments=True)
        done = subprocess.run(
            ["make", "--dry-run", *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", [page for page in PAGES if inline_commands(page)], ids=name_of)
def test_a_command_within_a_sentence_is_one_that_there_is(page: Path) -> None:
    assert [text for text in inline_commands(page) if unknown_words(text)] == []


def test_a_command_that_there_is_not_is_seen() -> None:
    assert unknown_words("vision-assets status NAME --check") == set()
    assert unknown_words("vision-assets status --chekc --json") == {"--chekc"}
    assert unknown_words("vision-assets stauts") == {"stauts"}


def unknown_words(text: str) -> set[str]:
    """The command and the options of a line that our command line does not have."""
    command: Any = typer.main.get_command(app)
    words = shlex.split(text)[1:]
    while words and hasattr(command, "commands"):
        name = words.pop(0)
        if name not in command.commands:
            return {name}
        command = command.commands[name]
    options = {option for each in command.params for option in (*each.opts, "--help")}
    return {word.partition("=")[0] for word in words if word.startswith("--")} - options


def test_commands_that_are_not_run_here_are_proved_elsewhere(has_test) -> None:
    assert [why.by for why in NOT_RUN.values() if why.is_there and not has_test(why.by)] == []


def test_every_reason_not_to_run_a_command_is_needed() -> None:
    starts = [start for start, why in NOT_RUN.items() if why.is_there]
    unused = [start for start in starts if not any(b.text.startswith(start) for b in BLOCKS)]
    assert unused == []


def test_most_commands_are_run() -> None:
    assert len(RUN_HERE) > 12
    own = [block for block in RUN_HERE if "vision-assets " in block.text]
    assert len(own) == len(RUN_HERE)


def test_no_command_hides_in_a_block_without_a_language() -> None:
    assert [name_of(page) for page in PAGES if blocks(page, "")] == []


def test_no_command_hides_in_an_indented_block() -> None:
    hidden = [
        f"{name_of(page)}: {line.strip()}"
        for page in PAGES
        for line in Path(page).read_text(encoding="utf-8").splitlines()
        if line.startswith(("    vision-assets ", "    make "))
    ]
    assert hidden == []
