"""What of a home a backup takes, and in which order.

What refers comes before what it refers to. Everything in a home is written the other way round:
the bundle before the line of the deployment log that names it, the image before its annotation,
both before the ledger. So whatever a copied file names was there before that file was copied,
and what is copied later still has it; nothing is removed meanwhile, for that waits on the same
lock. What was written during the backup may be there without what names it: an image that the
ledger does not hold yet is found again by the next ingest.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vision_assets.vision.disk import LOST_AND_FOUND
from vision_assets.vision.store.opening import files_of_latest_version

LEFT_OUT = {
    "environments": "packages of the services; installed again when they are needed",
    "cache": "decoded images; made again",
    "logs": "output of servers",
    "bentoml/serving": "counters of running services",
    "dagster/dagster.yaml": "a link to the project's file",
    LOST_AND_FOUND: "of the disk, where the home is one",
}
LANDING = "landing"
WITHOUT_LANDING = "what waits there is not in the store yet; --landing takes it"

_ORDER = (
    *("dagster", "deployments", "mlflow", "bentoml"),
    *("reports", "comparisons", "suspicions", "scores"),
    *("bundles", "models", "searches", "datasets", "stores", "batches"),
)
_TABLES = (
    *("ledger", "settlements", "discards", "faults", "proposals", "quarantine"),
    *("annotations", "classes", "images", "erasures"),
)
_SQLITE = b"SQLite format 3\0"
_SQLITE_SIDES = ("-wal", "-shm", "-journal")
_SLOT_AND_WORKERS = ("slot.json", "workers")


@dataclass(frozen=True)
class Part:
    """Files that are copied together.

    Attributes:
        root: folder that their paths are below.
        prefix: of their paths in the backup.
        files: lists them, anew at each call.
        together: whether all of them have to be there, as those of one version of a table.
    """

    root: Path
    prefix: str
    files: Callable[[], Sequence[Path]]
    together: bool = False

    def path(self, file: Path) -> str:
        """Of one of its files, as a backup spells it."""
        return f"{self.prefix}/{file.relative_to(self.root).as_posix()}"


def inventory(home: Path, defs: Path, with_landing: bool) -> Iterator[Part]:
    """The parts of a home, and the YAML files of its use cases, in order."""
    yield Part(defs, "defs", lambda: sorted(defs.glob("*/defs.yaml")))
    there = [path.name for path in home.iterdir() if not path.name.startswith(".")]
    known = [name for name in _ORDER if name in there]
    rest = sorted(set(there) - set(known) - {LANDING}) + ([LANDING] if with_landing else [])
    for name in [*known, *rest]:
        yield from _parts(home, home / name)


def landing_folders(home: Path) -> list[str]:
    """Paths of the landing folders that are in the home, as a backup spells them."""
    found = (path for path in (home / LANDING).glob("*") if path.is_dir() and not path.is_symlink())
    return sorted(f"home/{LANDING}/{path.name}" for path in found)


def is_sqlite(path: Path) -> bool:
    """Whether a file is a SQLite database."""
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE


def _parts(home: Path, path: Path) -> Iterator[Part]:
    if path.name == "stores":
        for store in sorted(folder for folder in path.iterdir() if folder.is_dir()):
            yield Part(home, "home", lambda store=store: _plain_files(store))
            yield from (
                Part(home, "home", lambda t=table: files_of_latest_version(t), together=True)
                for table in sorted(store.glob("*.lance"), key=_place)
            )
        return
    yield Part(home, "home", lambda: list(_walk(home, path)))


def _plain_files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.is_file() and _is_kept(path)]


def _place(table: Path) -> int:
    """Of a table in the order; what this release does not know comes first."""
    return _TABLES.index(table.stem) if table.stem in _TABLES else -1


def _walk(home: Path, path: Path) -> Iterator[Path]:
    """Files of a folder before those of its folders; links are not followed."""
    if path.is_symlink() or path.relative_to(home).as_posix() in LEFT_OUT:
        return
    if not path.is_dir():
        if path.is_file() and _is_kept(path):
            yield path
        return
    with os.scandir(path) as found:
        entries = sorted(found, key=lambda entry: (entry.is_dir(), entry.name))
    for entry in entries:
        hidden = entry.name.startswith(".") and path.relative_to(home).parts[:1] != ("dagster",)
        if not hidden and not _is_made_again(path, entry.name):
            yield from _walk(home, Path(entry.path))


def _is_made_again(folder: Path, name: str) -> bool:
    """What Python compiled; and the slot, which a restore makes anew from the deployment log."""
    of_the_log = folder.parent.name == "deployments" and name in _SLOT_AND_WORKERS
    return of_the_log or name == "__pycache__"


def _is_kept(path: Path) -> bool:
    return path.name != "lock" and not path.name.endswith((".lock", *_SQLITE_SIDES))
