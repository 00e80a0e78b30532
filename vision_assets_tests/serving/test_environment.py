"""The clean environment: built once, and again when its Python is gone."""

from pathlib import Path

import pytest

from vision_assets.home import Home
from vision_assets.serving import environment
from vision_assets.serving.environment import ENVIRONMENTS_VARIABLE, ensure_environment


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home whose clean environment needs no package, so that it is built in seconds."""
    nothing = tmp_path / "requirements.txt"
    nothing.write_text("# nothing\n")
    monkeypatch.setattr(environment, "requirements", lambda: nothing)
    monkeypatch.delenv(ENVIRONMENTS_VARIABLE, raising=False)
    return Home(tmp_path / "home")


def test_an_environment_whose_python_is_gone_is_built_again(small: Home) -> None:
    folder = small.environments / environment._name(environment.requirements())
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to("/nowhere/python")
    assert ensure_environment(small).exists()
    assert [path for path in small.environments.iterdir() if path.is_dir()] == [folder]
