"""The component of a task: what the `type` of a YAML names."""

from importlib import import_module
from pathlib import Path

import vision_assets
from vision_assets.components.pipeline import VisionPipeline
from vision_assets.vision.errors import SpecError
from vision_assets.vision.tasks.registry import task_folder, task_packages


def component_of(task: str) -> tuple[str, type[VisionPipeline]]:
    """The component of a task, behind the name by which YAML calls it.

    Those of this package's tasks are in `vision_assets`; a task of another package has its own in
    its module `component`, and is known by name once it is installed or registered.

    Raises:
        SpecError: no task of this name is known, or it has no component.
    """
    for name in vision_assets.__all__:
        kind = getattr(vision_assets, name)
        if kind.task == task:
            return f"{vision_assets.__name__}.{name}", kind
    return _of_another_package(task, task_folder(task) / "component.py")


def _of_another_package(task: str, path: Path) -> tuple[str, type[VisionPipeline]]:
    module = f"{task_packages()[task]}.{path.stem}"
    found = vars(import_module(module)) if path.is_file() else {}
    for name, kind in found.items():
        is_component = isinstance(kind, type) and issubclass(kind, VisionPipeline)
        if is_component and getattr(kind, "task", None) == task:
            return f"{module}.{name}", kind
    raise SpecError(
        f"expected a component whose task is {task!r} in {path}, found none; write one, a class "
        "of VisionPipeline that names its task and its spec"
    )
