"""What becomes of a file in the landing folder once the ledger holds it: keep, move or delete.

A marker in the store says that this is under way; where a killed process left the marker,
the next ingest finishes the work by what the ledger says.
"""

import math
import os
from collections.abc import Iterable
from glob import escape
from pathlib import Path

from vision_assets.vision.confined import confined
from vision_assets.vision.errors import LandingUnreadable, Reason
from vision_assets.vision.formats.annotations.open import is_sidecar
from vision_assets.vision.spec import SourceSpec
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.landed_file import LandedFile
from vision_assets.vision.store.landing import TAKEN_FOLDER, settled_files, taken_files

_MARKER = "after.pending"


def begin(store: ImageStore, landing: Path, source: SourceSpec) -> None:
    """Finish what a killed ingest left, and mark that this one is under way.

    Raises:
        LandingUnreadable: the landing folder cannot be listed or changed.
    """
    marker = store.root / _MARKER
    if marker.exists():
        lying = settled_files(landing, source, math.inf)
        apply(store, landing, lying.values(), source)
    elif source.after != "keep":
        store.root.mkdir(parents=True, exist_ok=True)
        marker.touch()


def end(store: ImageStore) -> None:
    """Drop the marker: the policy was applied to every batch of this ingest."""
    (store.root / _MARKER).unlink(missing_ok=True)


def apply(
    store: ImageStore, landing: Path, files: Iterable[LandedFile], source: SourceSpec
) -> None:
    """Move or delete those of the files that were taken and have not changed since.

    Raises:
        LandingUnreadable: a file cannot be moved or deleted.
    """
    if source.after == "keep":
        return
    if source.after == "delete":
        os.sync()  # what was written must outlive a power failure before the originals go
    lying = {file.key: file for file in files}
    for key, reason in taken_files(store):
        file = lying.pop(key, None)
        kept = file is None or is_sidecar(source, file.path)  # images to come may need it
        if file is not None and not kept and reason != Reason.TOO_MANY_BYTES:
            _clear(landing, file, source)


def still_there(landing: Path, taken: Iterable[str]) -> list[str]:
    """Of files that were taken, where they lie now: in their place, or moved to `taken/`."""
    found: list[Path] = []
    for path in map(Path, taken):
        moved = landing / TAKEN_FOLDER / path
        renamed = moved.parent.glob(f"{escape(path.stem)}~*{escape(path.suffix)}")
        found += [place for place in (landing / path, moved, *sorted(renamed)) if place.is_file()]
    return [str(place.relative_to(landing)) for place in found]


def _clear(landing: Path, file: LandedFile, source: SourceSpec) -> None:
    path = landing / file.path
    try:
        for place in (path.parent, landing / TAKEN_FOLDER / path.parent.relative_to(landing)):
            confined(landing, str(place.relative_to(landing)))
        state = path.stat()
        if (state.st_size, state.st_mtime_ns) != (file.size_bytes, file.modified_ns):
            return
        if source.after == "delete":
            path.unlink()
        else:
            _move(path, landing / TAKEN_FOLDER / file.path, file.modified_ns)
    except FileNotFoundError:  # moved by an earlier run
        return
    except OSError as error:
        raise LandingUnreadable(
            f"{path} was taken but cannot be cleared away ({error}); give this user the right to "
            "change the landing folder, or set source.after to keep"
        ) from error


def _move(path: Path, target: Path, modified_ns: int) -> None:
    """Move a file; where its name was taken before, its time makes the new name."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        target = target.with_name(f"{target.stem}~{modified_ns}{target.suffix}")
    path.replace(target)
