"""Versions of a Lance table, opened with few threads and small caches; never a torn one."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from vision_assets.vision.cores import available_cores
from vision_assets.vision.store.torn import damaged, is_cut_off, is_whole

if TYPE_CHECKING:
    import lance

_LANCE_ENVIRONMENT = {
    "LANCE_CPU_THREADS": str(min(4, available_cores())),
    "LANCE_IO_THREADS": "4",
    "LANCE_LOG": "error",
}
_CACHE_BYTES = 4 * 1024 * 1024


def open_whole(
    folder: Path, found: list[tuple[int, Path]]
) -> "tuple[lance.LanceDataset | None, int | None]":
    """The last version of a table, or the one before it where the last is torn.

    Args:
        folder: of the table.
        found: its manifests, the newest first.

    Raises:
        StoreError: both are damaged.
    """
    for version, manifest in found[:2]:
        if is_cut_off(manifest):
            continue
        dataset = _open(folder, version)
        if is_whole(dataset, folder):
            return dataset, version
    if len(found) > 1:
        raise damaged(folder)
    return None, None


def written_at(dataset: "lance.LanceDataset | None") -> datetime:
    """When the last version was written; long ago where there is none."""
    if dataset is None:
        return datetime.fromtimestamp(0, UTC)
    written: Any = dataset.versions()[-1]["timestamp"]
    return written.astimezone(UTC)


def _open(folder: Path, version: int) -> "lance.LanceDataset":
    """Open a table with small caches: by default Lance's may grow to gigabytes."""
    lance = import_lance()
    caches = lance.Session(
        index_cache_size_bytes=_CACHE_BYTES, metadata_cache_size_bytes=_CACHE_BYTES
    )
    return lance.dataset(str(folder), version=version, session=caches)


def files_of_latest_version(folder: Path) -> list[Path]:
    """The files that hold the latest version of a table, its data first and its manifest last.

    They never change; after `tidy` they are kept for an hour, after `erase` they are gone.
    """
    if not (folder / "_versions").is_dir():
        return []
    dataset = import_lance().dataset(str(folder))
    tracked = pa.Table.from_batches(dataset._ds.tracked_files(min_version=dataset.version))
    rows = tracked.select(["version", "path"]).to_pylist()
    paths = [folder / row["path"] for row in rows if row["version"] == dataset.version]
    return sorted(paths, key=lambda path: (path.parent.name == "_versions", str(path)))


def import_lance() -> Any:
    """Import Lance with few threads: ours do the work, and a machine is shared."""
    for name, value in _LANCE_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import lance

    return lance
