"""Finding a task by its name; imports nothing of it until it is asked for.

A task is a package with these modules:

    spec.py     pydantic: what YAML may say
    task.py     `TASK`, the training side (vision_assets.vision.tasks.task.Task)
    answer.py   the torch-free side (vision_assets.vision.inference.answers.Answers), or a
                package of that name; it goes into Bentos, so that of another package may import
                nothing but itself and vision_assets.vision.inference

Those beside this module are built in. Any other package registers one with an entry point,
`[project.entry-points."vision_assets.tasks"]`, `my_task = "my_package.my_task"`, or from
Python with `register`.
"""

import pkgutil
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, cast

from vision_assets.vision import tasks
from vision_assets.vision.errors import SpecError
from vision_assets.vision.inference.answers import Answers

if TYPE_CHECKING:
    from vision_assets.vision.tasks.task import Task

ENTRY_POINTS = "vision_assets.tasks"

_registered: dict[str, str] = {}


def register(name: str, package: str) -> None:
    """Make a task of another package known in this process.

    Raises:
        SpecError: the name is taken by another package.
    """
    taken = task_packages().get(name, package)
    if taken != package:
        raise SpecError(f"the task {name!r} is {taken} already; choose another name")
    _registered[name] = package


def task_packages() -> dict[str, str]:
    """The package of each task by name: built in, installed, or registered."""
    built_in = {
        module.name: f"{tasks.__name__}.{module.name}"
        for module in pkgutil.iter_modules(tasks.__path__)
        if module.ispkg
    }
    installed = {point.name: point.value for point in entry_points(group=ENTRY_POINTS)}
    return installed | _registered | built_in


def load_task(name: str) -> "Task":
    """The training side of a task.

    Raises:
        SpecError: no task of this name is known.
    """
    return cast("Task", import_module(f"{_package(name)}.task").TASK)


def load_answers(name: str) -> Answers:
    """The torch-free side of a task.

    Raises:
        SpecError: no task of this name is known.
    """
    return cast(Answers, import_module(f"{_package(name)}.answer"))


def task_folder(name: str) -> Path:
    """Where the package of a task lies.

    Raises:
        SpecError: no task of this name is known, or it is no package on disk.
    """
    package = _package(name)
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise SpecError(f"the task {name!r} is {package}, which is no package that can be found")
    return Path(next(iter(found.submodule_search_locations)))


def _package(name: str) -> str:
    packages = task_packages()
    if name not in packages:
        raise SpecError(
            f"expected a task of {sorted(packages)}, got {name!r}; install the package that has "
            f"it, or register it under the entry point group {ENTRY_POINTS!r}"
        )
    return packages[name]
