"""A project with a use case that was trained, judged and deployed twice, for the docs' commands."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from vision_assets_tests.docs.pages import ROOT

SHORT = {"epochs": 2, "image_size_px": 32}
BIN = ROOT / ".venv" / "bin"


class Project:
    """A folder with use cases in git, a home, and the commands on the path."""

    def __init__(self, root: Path) -> None:
        self.root, self.defs = root, root / "defs"
        self.variables = os.environ | {
            "VISION_ASSETS_HOME": str(root / ".vision_assets"),
            "VISION_ASSETS_DEFS": str(self.defs),
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "160",
        }

    def run(self, commands: str) -> subprocess.CompletedProcess[str]:
        """Run a block of commands as it stands, in bash, up to the first one that fails."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=self.root,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        self.shorten()
        return done

    def shorten(self, **recipe: int) -> None:
        """Every use case learns for two epochs, takes files at once, and is let through."""
        for path in self.defs.glob("*/defs.yaml"):
            said = yaml.safe_load(path.read_text())
            attributes = said["attributes"]
            attributes["source"] |= {"settle_s": 0}
            attributes |= {"recipe": SHORT | recipe, "gates": [], "champion": None}
            path.write_text(yaml.safe_dump(said, sort_keys=False))

    def checked(self, commands: str) -> None:
        """Run a block that has to succeed."""
        done = self.run(commands)
        assert done.returncode == 0, f"{commands}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The use case `surface` of drawn pictures, with two deployments, and `pictures` to score."""
    made = Project(tmp_path_factory.mktemp("docs"))
    made.defs.mkdir()
    made.checked("vision-assets sample --to .vision_assets/landing/surface --n 60 --clean")
    made.checked("vision-assets init surface --images .vision_assets/landing/surface")
    made.checked(
        "git init -q && git add defs && git -c user.name=docs -c user.email=docs@localhost "
        "commit -q -m surface"
    )
    made.checked("vision-assets run surface")
    made.shorten(seed=1)
    made.checked(
        "vision-assets run surface --select trained_model --select exported_model "
        "--select evaluation_report --select bento_service --select deployment"
    )
    made.checked("vision-assets sample --to pictures --n 10 --seed 7")
    return made


@pytest.fixture
def has_test() -> Callable[[str], bool]:
    """Whether a test `path::name` is there."""

    def has(test: str) -> bool:
        path, _, name = test.partition("::")
        file = ROOT / path
        return file.is_file() and (not name or f"def {name}(" in file.read_text(encoding="utf-8"))

    return has
