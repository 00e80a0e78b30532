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
    return [f"{folder.relative_to(home)}: write {_CHANGES}" for folder, _ in _without_changes(home)]


def _apply(home: Path) -> None:
    for folder, record in _without_changes(home):
        _write_changes(folder, record["parent"])
        sha256 = hashlib.sha256((folder / _CHANGES).read_bytes()).hexdigest()
        record["files"] = record["files"] | {_CHANGES: sha256}
        write_text(folder / "version.json", json.dumps(record, indent=1))


def _without_changes(home: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Folder and record of each version that lacks the list.

    A version that cannot be read says nothing of the home: one use case stops no other.
    """
    for path in sorted(home.glob("datasets/*/v*/version.json")):
        record = _record(path)
        if record is not None and _CHANGES not in record["files"]:
            yield path.parent, record


def _record(path: Path) -> dict[str, Any] | None:
    """What a version says of itself; None where it is damaged."""
    try:
        record = json.loads(path.read_text())
        return record if isinstance(record["files"], dict) and "parent" in record else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_changes(folder: Path, parent: str | None) -> None:
    from vision_assets.vision.dataset.difference import Difference
    from vision_assets.vision.dataset.manifest_file import read_manifest

    now = read_manifest(folder / "manifest.parquet", _COLUMNS)
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
