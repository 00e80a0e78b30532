"""The demos: their recipes are recipes of their tasks."""

import pytest

from vision_assets.demo import DEMOS, demo_of
from vision_assets.vision.errors import SpecError
from vision_assets.vision.tasks.registry import load_task


@pytest.mark.parametrize("task", DEMOS)
def test_the_recipe_of_a_demo_is_one_of_its_task(task: str):
    recipe = demo_of(task).recipe
    made = load_task(task).recipe_type.model_validate(recipe)
    assert made.model_dump(include=set(recipe)) == recipe


def test_a_task_without_a_demo_is_named():
    with pytest.raises(SpecError, match="expected a task of classification, .*, got 'captioning'"):
        demo_of("captioning")
