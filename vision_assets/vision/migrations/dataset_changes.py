"""To version 2: dataset versions keep a list of what changed since the version before.

The first release kept the counts alone, and the list was worked out again each time.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from vision_assets.vision.atomic import new_file, write_text
from vision_assets.vision.errors import DatasetError
from vision_assets.vision.migrations.migration import Migration

_CHANGES = "changes.parquet"
_COLUMNS = ("image_id", "class_id", "objects", "split")


def _plan(home: Path) -> list[str]:
    """A version that cannot be read says nothing of the home: one use case stops no other."""
    return [
        f"{folder.relative_to(home)}: write {_CHANGES}"
        for folder in _versions(home)
        if _is_readable(folder) and _lacks_changes(folder)
    ]


def _apply(home: Path) -> None:
    for folder in filter(_lacks_changes, _versions(home)):
        _write_changes(folder)
        record = _record(folder)
        sha256 = hashlib.sha256((folder / _CHANGES).read_bytes()).hexdigest()
        record["files"] = record["files"] | {_CHANGES: sha256}
        write_text(folder / "version.json", json.dumps(record, indent=1))


def _versions(home: Path) -> list[Path]:
    return sorted(path.parent for path in home.glob("datasets/*/v*/version.json"))


def _lacks_changes(folder: Path) -> bool:
    return _CHANGES not in _record(folder)["files"]


def _is_readable(folder: Path) -> bool:
    try:
        _record(folder)
    except DatasetError:
        return False
    return True


def _record(folder: Path) -> dict[str, Any]:
    try:
        return json.loads((folder / "version.json").read_text())
    except (OSError, ValueError) as error:
        raise DatasetError(
            f"{folder} is no readable dataset version ({error}); restore or remove the folder"
        ) from error


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
