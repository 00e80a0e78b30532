"""Pins: bundles and models that housekeeping leaves alone because a person said so.

<home>/pins/<use_case>.json    one entry for each pin; replaced as a whole
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from vision_assets.home import Home
from vision_assets.vision.atomic import write_text
from vision_assets.vision.errors import SpecError, StoreError
from vision_assets.vision.file_lock import file_lock

_LOCK_WAIT_S = 10.0


class Pin(BaseModel):
    """One pin.

    Attributes:
        what: id of a bundle or a model.
        why: the reason, for people.
        by: who said so.
        since: when.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    what: str
    why: str
    by: str
    since: datetime


class _Pins(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    pins: tuple[Pin, ...] = ()


def pins(home: Home, use_case: str) -> tuple[Pin, ...]:
    """What is pinned.

    Raises:
        StoreError: the file is damaged; nothing may be removed before it is mended.
    """
    path = _path(home, use_case)
    try:
        return _Pins.model_validate_json(path.read_bytes()).pins
    except FileNotFoundError:
        return ()
    except ValidationError as error:
        raise StoreError(f"{path} is damaged; restore it from a backup: {error}") from error


def pin(home: Home, use_case: str, what: str, why: str, by: str) -> Pin:
    """Pin a bundle or a model; pinning again replaces the reason.

    Raises:
        SpecError: there is no such bundle or model.
    """
    folders = (home.bundles(use_case), home.models(use_case))
    if not any(what == path.name for folder in folders for path in folder.glob("[0-9a-f]*")):
        raise SpecError(
            f"expected the id of a bundle or model of {use_case}, got {what!r}; "
            f"they are in {folders[0]} and {folders[1]}"
        )
    added = Pin(what=what, why=why, by=by, since=datetime.now(UTC))
    with file_lock(_path(home, use_case).with_suffix(".lock"), _LOCK_WAIT_S):
        others = [each for each in pins(home, use_case) if each.what != what]
        _write(home, use_case, (*others, added))
    return added


def unpin(home: Home, use_case: str, what: str) -> None:
    """Remove a pin.

    Raises:
        SpecError: it is not pinned.
    """
    with file_lock(_path(home, use_case).with_suffix(".lock"), _LOCK_WAIT_S):
        before = pins(home, use_case)
        left = tuple(each for each in before if each.what != what)
        if len(left) == len(before):
            known = ", ".join(each.what for each in before) or "nothing"
            raise SpecError(f"{what!r} of {use_case} is not pinned; pinned are: {known}")
        _write(home, use_case, left)


def _write(home: Home, use_case: str, found: tuple[Pin, ...]) -> None:
    write_text(_path(home, use_case), _Pins(pins=found).model_dump_json(indent=1))


def _path(home: Home, use_case: str) -> Path:
    return home.pins / f"{use_case}.json"
