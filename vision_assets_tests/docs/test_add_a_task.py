"""Who writes the files of the page, and nothing else, has a task."""

import re
import sys
from importlib import import_module
from pathlib import Path

import pytest

from vision_assets.components.of_task import component_of
from vision_assets.serving.bento_projects import bento_project
from vision_assets.vision.export import export
from vision_assets.vision.parity import check_parity
from vision_assets.vision.tasks import registry
from vision_assets.vision.tasks.registry import load_task
from vision_assets.vision.training.fit import fit
from vision_assets_tests.docs.pages import ROOT
from vision_assets_tests.vision.dataset.drawn_dataset import DATASET, draw_dataset

PAGE = ROOT / "docs" / "add-a-task.md"
TOY = "vision_assets_tests/vision/tasks/toy"
_QUOTED = re.compile(rf'^```python title="{TOY}/(\S+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of the page, as a package of another name, somewhere else."""
    folder = tmp_path / "brightness"
    for path, text in _QUOTED.findall(PAGE.read_text(encoding="utf-8")):
        renamed = text.replace(TOY.replace("/", "."), folder.name).replace('"toy"', '"brightness"')
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(renamed, encoding="utf-8")
    (folder / "__init__.py").write_text('"""How bright an image is tells its class."""\n')
    for known in [name for name in sys.modules if name.partition(".")[0] == folder.name]:
        monkeypatch.delitem(sys.modules, known)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(registry, "_registered", {})
    return folder


def test_its_component_makes_it_known(package: Path) -> None:
    component = import_module("brightness.component").ToyPipeline
    assert component_of("brightness") == ("brightness.component.ToyPipeline", component)
    assert bento_project("brightness") == package / "bento"


def test_it_learns_and_its_bundle_says_the_same(package: Path, tmp_path: Path) -> None:
    registry.register("brightness", package.name)
    task, drawn = load_task("brightness"), draw_dataset(per_class=4)
    recipe = task.recipe_type(image_size_px=32)
    model = fit(
        task, drawn.manifest, drawn.read, recipe, drawn.classes, tmp_path, DATASET, threads=1
    )
    bundle = export(task, model, tmp_path, "drawn")
    assert bundle.card.task == "brightness"
    assert check_parity(task, model, bundle, drawn.images.items()).passed
