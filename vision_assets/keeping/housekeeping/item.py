"""One thing that housekeeping removes, and how a folder is removed so that none sees half of it."""

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

DAY_S = 86_400.0
_LEAVING = ".leaving-"


@dataclass(frozen=True)
class Item:
    """One thing to remove.

    Attributes:
        kind: `model`, `bundle`, `run`, ...; in the order of removal.
        use_case: whose; empty where it is the home's.
        name: for people.
        size_bytes: what it frees.
        why: by which rule.
        remove: does it; again is fine.
    """

    kind: str
    use_case: str
    name: str
    size_bytes: int
    why: str
    remove: Callable[[], None]


def remove_folder(folder: Path) -> None:
    """Rename a folder out of sight, then delete it; what a kill leaves, `leavings` finds."""
    leaving = folder.with_name(f"{_LEAVING}{folder.name}")
    if leaving.exists():
        shutil.rmtree(leaving)
    if folder.exists():
        os.rename(folder, leaving)
        shutil.rmtree(leaving)


def leavings(root: Path) -> list[Path]:
    """Folders that a killed removal has left."""
    return sorted(root.glob(f"*/*/{_LEAVING}*")) + sorted(root.glob(f"bentoml/*/*/{_LEAVING}*"))


def written_before(path: Path, days: int) -> bool:
    """Whether a file was last written so many days ago."""
    return time.time() - written_s(path) > days * DAY_S


def written_s(path: Path) -> float:
    """When a file was last written; now, where it is gone: what is gone is not old."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()
