"""The pages of the tasks say what may be written, and what is answered."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

import vision_assets
from vision_assets.serving.bento_projects import bento_project
from vision_assets.vision.inference.geometry.rle import Rle, decode
from vision_assets.vision.inference.service.schema import Answered
from vision_assets.vision.spec import Recipe
from vision_assets.vision.tasks.registry import load_task
from vision_assets_tests.docs.pages import ROOT, blocks

COMPONENTS = {getattr(vision_assets, name).task: name for name in vision_assets.__all__}
TASKS = sorted(COMPONENTS)


def page(task: str) -> Path:
    return ROOT / "docs" / "tasks" / f"{task}.md"


def answer(task: str) -> dict[str, Any]:
    (text,) = blocks(page(task), "json")
    return json.loads(text)


def models(task: str) -> dict[str, list[str]]:
    """The fields of each model of a service, by its name and what it is made of."""
    tree = ast.parse((bento_project(task) / "service.py").read_text(encoding="utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return {
        f"{node.name}({ast.unparse(node.bases[0])})": [
            ast.unparse(each.target) for each in node.body if isinstance(each, ast.AnnAssign)
        ]
        for node in classes
    }


def test_every_task_of_the_package_has_a_page() -> None:
    assert sorted(path.stem for path in (ROOT / "docs" / "tasks").iterdir()) == TASKS
    overview = (ROOT / "docs" / "tasks.md").read_text(encoding="utf-8")
    assert [name for name in TASKS if f"(tasks/{name}.md)" not in overview] == []


@pytest.mark.parametrize("task", TASKS)
def test_its_yaml_is_taken(task: str) -> None:
    said = [yaml.safe_load(text) for text in blocks(page(task), "yaml")]
    assert len(said) == 2
    for each in said:
        assert each["type"] == f"vision_assets.{COMPONENTS[task]}"
        kind = getattr(vision_assets, COMPONENTS[task])
        assert kind.spec_type.model_validate(each["attributes"])


@pytest.mark.parametrize("task", TASKS)
def test_its_smallest_yaml_says_the_source_alone(task: str) -> None:
    smallest = yaml.safe_load(blocks(page(task), "yaml")[0])
    assert list(smallest["attributes"]) == ["source"]


@pytest.mark.parametrize("task", TASKS)
def test_its_answer_has_what_the_endpoint_answers(task: str) -> None:
    served = models(task)
    (own,) = [keys for name, keys in served.items() if name.endswith("(Answered)")]
    assert answer(task).keys() == {*Answered.model_fields, *own}
    if "objects" in own:
        (described,) = [keys for keys in served.values() if "box" in keys]
        assert [list(each) for each in answer(task)["objects"]] == [described]


@pytest.mark.parametrize("task", TASKS)
def test_its_page_tells_the_keys_of_its_recipe(task: str) -> None:
    text = page(task).read_text(encoding="utf-8")
    own = set(load_task(task).recipe_type.model_fields) - set(Recipe.model_fields)
    assert sorted(key for key in own if f"`{key}`" not in text) == []


def test_the_mask_of_the_page_is_the_region_that_it_shows() -> None:
    (region,) = answer("segmentation")["objects"]
    mask = decode(Rle.from_json(region["mask"]))
    left, top, right, bottom = map(int, region["box"])
    assert mask[top:bottom, left:right].all()
    assert mask.sum() == (right - left) * (bottom - top)
