"""What is wrong with a YAML file, and where: file, line, field and what is allowed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import ValidationError

import vision_assets
from vision_assets.vision.errors import SpecError
from vision_assets.vision.spec.names import choice

_TYPE = "type:"
_OF_A_FILE = ("type", "attributes")


@contextmanager
def located(context: dg.ComponentLoadContext) -> Iterator[None]:
    """Errors that pydantic cannot know are told with path, file and line, as its own are."""
    try:
        yield
    except SpecError as error:
        tree = context.resolution_context.source_position_tree
        if tree is None or not error.field:
            raise
        path = ("attributes", *error.field)
        position, _ = tree.lookup_closest_and_path(path, None)
        where = ".".join(map(str, path))
        raise SpecError(f"`{where} at {position}`\n  {error}", error.field) from None


def told(path: Path, error: BaseException) -> str:
    """What is wrong with a file, for a person.

    Args:
        path: the YAML file.
        error: of Dagster's loader; pydantic's carry the line in the location of each error.
    """
    if isinstance(error, ValidationError):
        return "\n".join(map(_told_field, error.errors(include_url=False)))
    if isinstance(error, UnicodeDecodeError):
        line = error.object.count(b"\n", 0, error.start) + 1
        return f"line {line}: expected UTF-8; save the file as UTF-8"
    if isinstance(error, OSError):
        return f"it cannot be read: {error}"
    return _told_type(path) or str(error)


def _told_field(error: Any) -> str:
    where, got = ".".join(map(str, error["loc"])), repr(error["input"])
    if error["type"] == "value_error":
        said = str(error["ctx"]["error"])
    elif error["type"] == "extra_forbidden":
        said = f"expected {choice(where.split()[0], _OF_A_FILE)}"
    else:
        said = f"{error['msg']}, got {got if len(got) <= 80 else f'{got[:77]}...'}"
    return f"`{where}`\n  {said}"


def _told_type(path: Path) -> str | None:
    """Where the file names a component of ours that there is not."""
    lines = enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
    package = f"{vision_assets.__name__}."
    for number, line in lines:
        name = line.removeprefix(_TYPE).strip()
        if line.startswith(_TYPE) and name.startswith(package):
            known = [f"{package}{kind}" for kind in vision_assets.__all__]
            if name not in known:
                return f"`type at {path}:{number}`\n  expected {choice(name, known)}"
    return None
