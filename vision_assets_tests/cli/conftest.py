"""The command line on a home and a folder of use cases of its own."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from vision_assets.cli import app
from vision_assets.cli.output import ERR, OUT
from vision_assets.vision.samples.write import SampleReport, write_samples

Run = Callable[..., Result]


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """An empty home, and an empty folder of use cases beside it."""
    (tmp_path / "defs").mkdir()
    monkeypatch.setenv("VISION_ASSETS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("VISION_ASSETS_DEFS", str(tmp_path / "defs"))
    for console in (ERR, OUT):
        monkeypatch.setattr(console, "width", 200)
    return tmp_path / "home"


@pytest.fixture
def run(home) -> Run:
    """Runs a command; an exception that is no exit fails the test."""

    def run(*arguments: object, code: int = 0) -> Result:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    return run


@pytest.fixture
def run_json(run) -> Callable[..., Any]:
    """Runs a command with --json and gives what it printed on standard output."""
    return lambda *arguments, code=0: json.loads(run(*arguments, "--json", code=code).stdout)


@pytest.fixture
def samples(home) -> SampleReport:
    """Drawn pictures in the landing folder of `steel`, settled long ago."""
    return write_samples(home / "landing" / "steel", 20, seed=0)


@pytest.fixture
def steel(samples, home, run) -> str:
    """A use case over the drawn pictures, written by `init`, its files settled at once."""
    run("init", "steel", "--images", samples.folder)
    path = home.parent / "defs" / "steel" / "defs.yaml"
    text = path.read_text().replace("    after: keep", "    settle_s: 0\n    after: keep")
    path.write_text(text)
    return "steel"
