"""A task is found by its name, from inside the package and from outside."""

import subprocess
import sys

import pytest

from vision_assets.vision.errors import SpecError
from vision_assets.vision.tasks import registry
from vision_assets.vision.tasks.registry import load_answers, load_task, register, task_packages


@pytest.fixture(autouse=True)
def _forget_what_is_registered(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(registry, "_registered", {})


@pytest.fixture
def foreign_package(tmp_path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A task of another package, that answers with the number of its outputs."""
    package = tmp_path / "foreign_task"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "task.py").write_text("class T:\n    name = 'counting'\nTASK = T()\n")
    (package / "answer.py").write_text("def same(one, other):\n    return one == other\n")
    monkeypatch.syspath_prepend(tmp_path)
    return "foreign_task"


def test_classification_is_built_in():
    assert load_task("classification").name == "classification"


def test_an_unknown_task_is_told_with_those_there_are():
    with pytest.raises(SpecError, match=r"'classification'.*got 'divination'"):
        load_task("divination")


def test_a_task_of_another_package_is_found_once_registered(foreign_package: str):
    register("counting", foreign_package)
    assert load_task("counting").name == "counting"
    assert load_answers("counting").same({"n": 1}, {"n": 1})


def test_registering_twice_is_harmless(foreign_package: str):
    register("counting", foreign_package)
    register("counting", foreign_package)
    assert task_packages()["counting"] == foreign_package


def test_a_built_in_task_cannot_be_replaced(foreign_package: str):
    with pytest.raises(SpecError, match="choose another name"):
        register("classification", foreign_package)


def test_an_installed_package_registers_by_an_entry_point(
    foreign_package: str, tmp_path, monkeypatch: pytest.MonkeyPatch
):
    installed = tmp_path / "foreign-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: foreign\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text(
        f"[vision_assets.tasks]\ncounting = {foreign_package}\n"
    )
    assert load_task("counting").name == "counting"


@pytest.mark.parametrize("side", ["load_answers", "load_task"])
def test_neither_side_of_a_task_imports_torch(side: str):
    """A report is made, and an old champion judged again, without the network's code."""
    script = (
        f"import sys\nfrom vision_assets.vision.tasks.registry import {side}\n"
        f"{side}('classification')\n"
        "sys.exit('torch' in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
