"""The slot: a file that says which bundle a running service answers with.

    <slot folder>/
      slot.json                  written by the deployment log, read by every worker
      workers/<pid>-<id>.json    written by one worker: what it made of the slot

The bundle's path is relative to the slot's folder, so that both can move together. A
worker touches its file at every look: one that has not been touched for a while is of a
worker that is gone.
"""

import os
import time
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from vision_assets.vision.atomic import write_text
from vision_assets.vision.errors import BundleError

WORKERS_FOLDER = "workers"
_GONE_AFTER_S = 3600


class Slot(BaseModel):
    """What a service is told to answer with.

    Attributes:
        sequence: grows with every switch.
        bundle_id: the bundle.
        bundle: its folder, relative to the folder of the slot file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    sequence: int
    bundle_id: str
    bundle: str


class Acknowledgement(BaseModel):
    """What one worker made of the slot.

    Attributes:
        worker: name of the worker, unique over restarts.
        sequence: of the slot that was looked at; None before there was one.
        bundle_id: the bundle that this worker answers with now.
        source: whether that bundle is the Bento's own or the slot's.
        refused: why the slot's bundle was not taken; None when it was.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    worker: str
    sequence: int | None
    bundle_id: str
    source: Literal["baked", "slot"]
    refused: str | None = None


def read_slot(path: Path) -> Slot | None:
    """The slot, or None while nothing was ever deployed.

    Raises:
        BundleError: the file is damaged or of another schema version.
    """
    try:
        return Slot.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise BundleError(f"{path} is no slot of schema version 1: {error}") from error


def write_slot(path: Path, slot: Slot) -> None:
    """Switch the slot, atomically."""
    write_text(path, slot.model_dump_json(indent=1))


def acknowledge(slot_path: Path, acknowledgement: Acknowledgement) -> Path:
    """Write a worker's acknowledgement; files of workers long gone are removed."""
    folder = slot_path.parent / WORKERS_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if _age_s(path) > _GONE_AFTER_S:
            path.unlink(missing_ok=True)
    own = folder / f"{acknowledgement.worker}.json"
    write_text(own, acknowledgement.model_dump_json())
    touch(own)
    return own


def touch(acknowledgement: Path) -> None:
    """Say that its worker is alive, by the clock of this machine: a share may have another."""
    now_s = time.time()
    os.utime(acknowledgement, (now_s, now_s))


def acknowledgements(slot_path: Path, fresh_s: float) -> list[Acknowledgement]:
    """The acknowledgements of the workers that are alive.

    Args:
        slot_path: the slot file.
        fresh_s: a worker that has not looked at the slot for this long is gone.
    """
    files = sorted((slot_path.parent / WORKERS_FOLDER).glob("*.json"))
    found = []
    for path in files:
        try:
            if _age_s(path) <= fresh_s:
                found.append(Acknowledgement.model_validate_json(path.read_bytes()))
        except (FileNotFoundError, ValidationError):  # of a worker that is gone
            continue
    return found


def _age_s(path: Path) -> float:
    """How far the time of a file is from now: one of before the clock was set back is old."""
    try:
        return abs(time.time() - path.stat().st_mtime)
    except FileNotFoundError:
        return float("inf")
