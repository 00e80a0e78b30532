"""Where the Bento projects are: one folder per task, and what they have in common."""

from pathlib import Path

from vision_assets.vision.errors import ServiceError
from vision_assets.vision.tasks.registry import task_folder

_PACKAGE = Path(__file__).parents[1]
_PLACES = (_PACKAGE.parent / "bentos", _PACKAGE / "_project" / "bentos")
"""In a checkout beside the package; in an installed package below this one."""


def bento_projects() -> Path:
    """The folder `bentos`.

    Raises:
        ServiceError: the installation is incomplete.
    """
    for place in _PLACES:
        if (place / "requirements.txt").is_file():
            return place
    raise ServiceError(
        f"expected the Bento projects in {_PLACES[0]} or {_PLACES[1]}, found neither; "
        "install vision_assets again"
    )


def bento_project(task: str) -> Path:
    """The Bento project of a task: built in, or in the folder `bento` of the task's package.

    Raises:
        ServiceError: the task has none.
        SpecError: no task of this name is known.
    """
    places = (bento_projects() / task, task_folder(task) / "bento")
    for project in places:
        if (project / "service.py").is_file():
            return project
    raise ServiceError(
        f"task {task!r} has no service: expected service.py in {places[0]} or {places[1]}; write "
        "one, bentos/classification is an example"
    )


def shared_project() -> Path:
    """What the services of all tasks have in common."""
    return bento_projects() / "shared"


def requirements() -> Path:
    """The compiled requirements of all Bentos, with exact versions and hashes."""
    return bento_projects() / "requirements.txt"


def image_recipe() -> Path:
    """The templates of what a Bento's image is built and run with."""
    return bento_projects() / "image"
