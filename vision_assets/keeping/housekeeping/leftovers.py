"""Logs, caches, old versions of tables, and what killed removals have left."""

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import dagster as dg

from vision_assets.home import Home
from vision_assets.keeping.housekeeping.item import Item, leavings, remove_folder, written_before
from vision_assets.keeping.housekeeping.runs import orphans
from vision_assets.vision.disk import size_of
from vision_assets.vision.store import discarding
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.use_case import UseCase

LOG_BYTES = 50_000_000
LOG_DAYS = CACHE_DAYS = 30
_LONG_LIVED = ("dagster", "mlflow", "endpoint-")
_READERS_AT_MOST = timedelta(days=1)
"""How long somebody may go on reading a version of a table after it was replaced."""


def logs(home: Home) -> Iterator[Item]:
    """Logs of servers are cut to their end, those of checks that ended long ago go."""
    for log in sorted(home.logs.glob("*.log")):
        size_bytes = log.stat().st_size
        if size_bytes > LOG_BYTES:
            why, freed = (
                f"over {LOG_BYTES // 1_000_000} MB: its end stays",
                size_bytes - LOG_BYTES // 2,
            )
            yield Item("log", "", log.name, freed, why, partial(cut, log, LOG_BYTES // 2))
        elif not log.name.startswith(_LONG_LIVED) and written_before(log, LOG_DAYS):
            why = f"not written for {LOG_DAYS} days"
            yield Item("log", "", log.name, size_bytes, why, partial(log.unlink, missing_ok=True))


def cut(log: Path, keep_bytes: int) -> None:
    """Move the end of a log to `<log>.1` and empty it; the process that appends goes on."""
    with log.open("rb") as source:
        source.seek(-min(keep_bytes, log.stat().st_size), os.SEEK_END)
        source.readline()
        with log.with_name(f"{log.name}.1").open("wb") as target:
            shutil.copyfileobj(source, target)
    os.truncate(log, 0)


def caches(home: Home) -> Iterator[Item]:
    """Packs of decoded images that no training has used lately."""
    for pack in sorted(path for path in home.pixel_cache.glob("[!.]*") if path.is_dir()):
        if written_before(pack, CACHE_DAYS):
            why = f"not used for {CACHE_DAYS} days; made again when needed"
            yield Item("cache", "", pack.name, size_of(pack), why, partial(remove_folder, pack))


def quarantined(home: Home, case: UseCase) -> Iterator[Item]:
    """Bytes of refused images that were kept long enough; what was refused, and why, stays."""
    store, keep = ImageStore.open(home.store(case.name)), case.spec.keep
    if discarding.left_behind(store):
        why, complete = "a removal that was cut off", partial(discarding.discard, store, {}, "")
        yield Item("quarantined bytes", case.name, "left", 0, why, complete)
    sizes = discarding.discardable(
        store, _days_ago(keep.quarantine_days), _days_ago(keep.open_quarantine_days)
    )
    if sizes:
        why = f"kept {keep.quarantine_days} days after the decision"
        drop, n = partial(discarding.discard, store, sizes, why), f"{len(sizes)} items"
        yield Item("quarantined bytes", case.name, n, sum(sizes.values()), why, drop)


def tables(home: Home, case: UseCase) -> Iterator[Item]:
    """Old versions of the tables of the store: what is in them stays."""
    store = ImageStore.open(home.store(case.name))
    size_bytes = store.old_versions(_READERS_AT_MOST)
    if size_bytes:
        why = "replaced over a day ago; the content stays"
        drop = partial(store.drop_old_versions, _READERS_AT_MOST)
        yield Item("old versions of tables", case.name, "tables", size_bytes, why, drop)


def cut_off(home: Home, instance: dg.DagsterInstance) -> Iterator[Item]:
    """What a removal that was killed has left behind."""
    why = "a removal that was cut off"
    for folder in leavings(home.root):
        remove = partial(shutil.rmtree, folder, ignore_errors=True)
        yield Item("remains", "", folder.name, size_of(folder), why, remove)
    for file in orphans(home, instance):
        remove = partial(file.unlink, missing_ok=True)
        yield Item("remains", "", file.name, size_of(file), why, remove)


def _days_ago(days: int | None) -> datetime | None:
    return None if days is None else datetime.now(UTC) - timedelta(days=days)
