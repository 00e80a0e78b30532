"""Every error that is raised on purpose has a remedy, with a command that exists."""

import inspect
import shlex

import pytest
import typer

from vision_assets.cli import app
from vision_assets.vision import errors
from vision_assets.vision.remedies import REMEDIES, UNKNOWN, Remedy, remedy_for

CLASSES = [
    name
    for name, found in inspect.getmembers(errors, inspect.isclass)
    if issubclass(found, errors.VisionAssetsError) and found is not errors.VisionAssetsError
]


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_has_a_remedy(kind: str):
    assert remedy_for(kind).kind == kind


@pytest.mark.parametrize("remedy", REMEDIES.values(), ids=list(REMEDIES))
def test_the_command_of_a_remedy_exists(remedy: Remedy):
    program, command, *_ = shlex.split(remedy.command_for("parts"))
    assert program == "vision-assets"
    assert command in getattr(typer.main.get_command(app), "commands")  # noqa: B009
    assert "{" not in remedy.command_for("parts")


def test_an_error_that_nobody_foresaw_has_one_too():
    assert remedy_for("ZeroDivisionError").kind == UNKNOWN
