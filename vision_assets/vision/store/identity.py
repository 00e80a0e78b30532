"""Who a store is: an id that tells a store that was made anew from the one before."""

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path

from vision_assets.vision.atomic import write_text
from vision_assets.vision.errors import StoreError
from vision_assets.vision.store.records import SCHEMA_VERSION

_FILE = "store.json"


def store_id(root: Path) -> str:
    """The id of a store; `new` before its first write.

    Raises:
        StoreError: written by another schema version, or damaged.
    """
    try:
        text = (root / _FILE).read_text("utf-8")
    except FileNotFoundError:
        return "new"
    try:
        found = json.loads(text)
    except ValueError as error:
        raise StoreError(
            f"{root / _FILE} is damaged ({error}); images are not: remove the file, and the store "
            "gets a new id at its next write"
        ) from error
    if found.get("schema_version") != SCHEMA_VERSION:
        raise StoreError(
            f"expected schema version {SCHEMA_VERSION} in {root / _FILE}, "
            f"got {found.get('schema_version')!r}; use the release of vision_assets that wrote it"
        )
    return found["store_id"]


def ensure(root: Path) -> None:
    """Give the store an id at its first write; check its schema version at every other one."""
    if store_id(root) != "new":
        return
    content = {
        "schema_version": SCHEMA_VERSION,
        "store_id": uuid.uuid4().hex[:12],
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    write_text(root / _FILE, json.dumps(content, indent=2))
