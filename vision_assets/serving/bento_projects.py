"""Where the Bento projects are: one folder per task, and what they all require."""

from pathlib import Path

from vision_assets.vision.errors import ServiceError

_PACKAGE = Path(__file__).parents[1]
_PLACES = (_PACKAGE.parent / "bentos", Path(__file__).parent / "bentos")
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
    """The Bento project of a task.

    Raises:
        ServiceError: the task has none.
    """
    project = bento_projects() / task
    if not (project / "service.py").is_file():
        raise ServiceError(
            f"task {task!r} has no service: expected {project / 'service.py'}; write one, "
            "bentos/classification is an example"
        )
    return project


def requirements() -> Path:
    """The compiled requirements of all Bentos, with exact versions and hashes."""
    return bento_projects() / "requirements.txt"


def image_recipe() -> Path:
    """The templates of what a Bento's image is built and run with."""
    return bento_projects() / "image"
