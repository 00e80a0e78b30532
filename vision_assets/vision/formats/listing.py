"""What lies in a folder: images, masks of images, a table of labels, and other files."""

import csv
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from vision_assets.vision.errors import LandingUnreadable
from vision_assets.vision.formats.annotations.file_text import read_head

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif"})
MASK_FOLDERS = frozenset({"mask", "masks", "ground_truth", "labels", "annotations"})
_CSV_COLUMNS = {"file", "label"}
_CSV_HEADER_BYTES = 4096


@dataclass(frozen=True)
class Listing:
    """Posix paths below a folder, sorted, by what they are.

    Attributes:
        images: files that are named like images and are no masks.
        masks: images in folders of masks, and PNGs beside a JPEG of the same name.
        table: the CSV that names files and labels, where there is one.
        others: number of other files, per extension or, where there is none, name.
        rest: those other files.
        truncated: whether there are more files.
    """

    images: tuple[str, ...]
    masks: tuple[str, ...]
    table: str | None
    others: dict[str, int]
    rest: tuple[str, ...]
    truncated: bool


def list_folder(folder: Path, max_files: int) -> Listing:
    """List at most `max_files` files of a folder and its sub-folders, hidden ones left out.

    Raises:
        LandingUnreadable: it is no folder, or it cannot be listed, or a table in it not read.
    """
    files, truncated = _listed(folder, max_files)
    named = [path for path in files if PurePosixPath(path).suffix.lower() in IMAGE_SUFFIXES]
    masks = _masks(named)
    images = tuple(path for path in named if path not in masks)
    table = _table(folder, files)
    rest = sorted(set(files) - set(named) - {table})
    others = Counter(map(_kind, map(PurePosixPath, rest)))
    return Listing(
        images=images,
        masks=tuple(sorted(masks)),
        table=table,
        others=dict(sorted(others.items())),
        rest=tuple(rest),
        truncated=truncated,
    )


def ignore_globs(
    listing: Listing, is_used: Callable[[str], bool] = lambda path: False
) -> tuple[str, ...]:
    """Globs that leave out masks and other files, as `source.ignore` says them.

    Args:
        listing: of a folder.
        is_used: whether a file is read for what it says of images.
    """
    rest = [PurePosixPath(path) for path in listing.rest if not is_used(path)]
    masks = {path for path in listing.masks if not is_used(path)}
    globs = {f"*{path.suffix}" if path.suffix else path.name for path in rest}
    return tuple(sorted(globs | _mask_globs(masks, listing.images)))


def _kind(path: PurePosixPath) -> str:
    return path.suffix or path.name


def _mask_globs(masks: set[str], images: Sequence[str]) -> set[str]:
    """By folder where masks have one of their own, else by extension."""
    beside = {PurePosixPath(path) for path in images}
    folders = {PurePosixPath(path).parent for path in masks} - {path.parent for path in beside}
    inside = {path for path in masks if PurePosixPath(path).parent in folders}
    return {f"{folder}/*" for folder in folders} | {
        f"*{PurePosixPath(path).suffix}" for path in masks - inside
    }


def _listed(folder: Path, max_files: int) -> tuple[list[str], bool]:
    """Paths below the folder in the order of their names, and whether there are more."""
    found: list[str] = []
    for path in _walk(folder):
        if len(found) == max_files:
            return sorted(found), True
        found.append(path.relative_to(folder).as_posix())
    return sorted(found), False


def _walk(folder: Path) -> Iterator[Path]:
    def unreadable(error: OSError) -> None:
        raise LandingUnreadable(
            f"expected a folder of images that can be listed, got {error.filename}: "
            f"{error.strerror}; check the path and its permissions"
        ) from error

    for root, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(root, name) for name in sorted(names) if not name.startswith("."))


def _masks(images: Sequence[str]) -> set[str]:
    """PNGs beside a photograph of the same name, and images in folders of masks."""
    photographs = {
        _stem(path) for path in images if PurePosixPath(path).suffix.lower() in (".jpg", ".jpeg")
    }
    beside = {
        path
        for path in images
        if PurePosixPath(path).suffix.lower() == ".png" and _stem(path) in photographs
    }
    return beside | {
        path for path in images if MASK_FOLDERS & {p.lower() for p in PurePosixPath(path).parts}
    }


def _stem(path: str) -> str:
    return str(PurePosixPath(path).with_suffix(""))


def _table(folder: Path, files: Sequence[str]) -> str | None:
    """The first CSV whose header has the columns that a use case needs."""
    for path in files:
        if path.lower().endswith(".csv"):
            first_line = read_head(folder, path, _CSV_HEADER_BYTES).partition(b"\n")[0]
            header = first_line.decode("utf-8-sig", "replace")
            if set(next(csv.reader([header.strip()]), ())) >= _CSV_COLUMNS:
                return path
    return None
