"""What INT8 loses is measured of every task."""

from pathlib import Path

import pytest

from benchmarks.int8 import CASES
from vision_assets.vision.spec import WITH_OBJECTS
from vision_assets.vision.tasks.registry import task_packages
from vision_assets_tests.vision.tasks.toy.component import NAME


def test_every_task_has_a_row():
    assert CASES.keys() == task_packages().keys() - {NAME}


@pytest.mark.parametrize("task", CASES)
def test_a_row_is_a_use_case_whose_labels_the_pictures_tell(task: str, tmp_path: Path):
    data, recipe = CASES[task]
    spec = data.spec(tmp_path, recipe, seed=0)
    assert data.task == task
    assert (spec.learns_from == "objects") == (spec.source.label in WITH_OBJECTS)
