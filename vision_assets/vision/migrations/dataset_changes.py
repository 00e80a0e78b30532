"""To version 2: dataset versions keep a list of what changed since the version before.

The first release kept the counts alone, and the list was worked out again each time.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vision_assets.vision.atomic import new_file, write_text
from vision_assets.vision.migrations.migration import Migration

_CHANGES = "changes.parquet"
_COLUMNS = ("image_id", "class_id", "objects", "split")


def _plan(home: Path) -> list[str]:
    return [f"{folder.relative_to(home)}: write {_CHANGES}" for folder in _without(home)]


def _apply(home: Path) -> None:
    for folder in _without(home):
        _write_changes(folder)
        record = _record(folder)
        sha256 = hashlib.sha256((folder / _CHANGES).read_bytes()).hexdigest()
        record["files"] = record["files"] | {_CHANGES: sha256}
        write_text(folder / "version.json", json.dumps(record, indent=1))


def _without(home: Path) -> Iterator[Path]:
    """Folders of versions whose record names no list of changes."""
    for path in sorted(home.glob("datasets/*/v*/version.json")):
        if _CHANGES not in _record(path.parent)["files"]:
            yield path.parent


def _record(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "version.json").read_text())


def _write_changes(folder: Path) -> None:
    from vision_assets.vision.dataset.difference import Difference
    from vision_assets.vision.dataset.manifest_file import read_manifest

    now = read_manifest(folder / "manifest.parquet", _COLUMNS)
    parent = _record(folder)["parent"]
    before = now.iloc[:0]
    if parent is not None:
        before = read_manifest(folder.parent / parent / "manifest.parquet", _COLUMNS)
    with new_file(folder / _CHANGES) as path:
        Difference.between(before, now).to_table().to_parquet(path, index=False)


MIGRATION = Migration(
    to=2,
    what="each dataset version keeps a list of what changed since the one before",
    plan=_plan,
    apply=_apply,
)
