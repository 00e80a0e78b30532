"""Look at a folder of images before a use case is made of it."""

import csv
import hashlib
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from vision_assets.vision.errors import ImageRefused, LandingUnreadable
from vision_assets.vision.formats.layout import Layout, infer_layout
from vision_assets.vision.inference.decode import decode, read_header

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif"})
MASK_FOLDERS = frozenset({"mask", "masks", "ground_truth", "labels", "annotations"})
MAX_FILES = 200_000
MAX_DECODED = 3_000
FEW = 10
"""A class with fewer images than this is hardly learnt and hardly tested."""

_CSV_COLUMNS = {"file", "label"}
_CSV_HEADER_BYTES = 4096


@dataclass(frozen=True)
class Broken:
    """A file that is named like an image and cannot be decoded."""

    path: str
    reason: str
    detail: str


@dataclass(frozen=True)
class Findings:
    """What was found in a folder.

    Attributes:
        folder: what was looked at.
        layout: how labels are told.
        n_images: files that count as images, broken ones included.
        classes: images per class, by name.
        splits: images per given split.
        unlabelled: images whose path tells no label.
        attributes: number of distinct values per attribute.
        formats: decoded images per format and mode, such as `JPEG L`.
        sizes: decoded images per (width, height) in pixels, the most frequent first.
        n_decoded: number of images that were decoded: all, or an even sample.
        broken: those that could not be.
        duplicates: groups of paths with the same bytes.
        masks: images that are masks of others and are not counted as images.
        others: files that are no images, per extension.
        truncated: whether there are more files than were looked at.
    """

    folder: Path
    layout: Layout
    n_images: int
    classes: dict[str, int]
    splits: dict[str, int]
    unlabelled: int
    attributes: dict[str, int]
    formats: dict[str, int]
    sizes: dict[tuple[int, int], int]
    n_decoded: int
    broken: tuple[Broken, ...]
    duplicates: tuple[tuple[str, ...], ...]
    masks: tuple[str, ...]
    others: dict[str, int]
    truncated: bool

    @property
    def few(self) -> dict[str, int]:
        """Classes with hardly any image."""
        return {name: count for name, count in self.classes.items() if count < FEW}


OnProgress = Callable[[int, int], None]


def look(
    folder: Path,
    on_progress: OnProgress | None = None,
    max_files: int = MAX_FILES,
    max_decoded: int = MAX_DECODED,
) -> Findings:
    """Look at a folder; changes nothing.

    Args:
        folder: may hold sub-folders; hidden files and links to folders are left out.
        on_progress: called with the number of images decoded and of those to decode.
        max_files: files that are listed.
        max_decoded: images that are decoded; an even sample where there are more.

    Raises:
        LandingUnreadable: it is no folder, or it cannot be listed.
    """
    files, truncated = _listed(folder, max_files)
    named = [path for path in files if PurePosixPath(path).suffix.lower() in IMAGE_SUFFIXES]
    masks = _masks(named)
    images = [path for path in named if path not in masks]
    others = Counter(PurePosixPath(path).suffix for path in set(files) - set(named))
    table = _table(folder, files)
    layout = Layout("csv", f"{table} names files and labels", csv=table) if table else None
    layout = layout or infer_layout(images, only_extensions=bool(masks))
    told = list(_told(layout, folder, images))
    formats, sizes, broken = _decoded(folder, _sample(images, max_decoded), on_progress)
    return Findings(
        folder=folder,
        layout=layout,
        n_images=len(images),
        classes=_counts(groups.get("label") for groups in told),
        splits=_counts(groups.get("split") for groups in told),
        unlabelled=sum("label" not in groups for groups in told),
        attributes=_attributes(told),
        formats=formats,
        sizes=sizes,
        n_decoded=min(len(images), max_decoded),
        broken=broken,
        duplicates=_duplicates(folder, images),
        masks=tuple(sorted(masks)),
        others=dict(sorted(others.items())),
        truncated=truncated,
    )


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
            with (folder / path).open("rb") as file:
                header = file.readline(_CSV_HEADER_BYTES).decode("utf-8-sig", "replace")
            if set(next(csv.reader([header.strip()]), ())) >= _CSV_COLUMNS:
                return path
    return None


def _told(layout: Layout, folder: Path, images: Sequence[str]) -> Iterator[dict[str, str]]:
    """The groups that each image's path tells, `label` among them where it tells one."""
    if layout.label == "folder":
        for path in images:
            parent = PurePosixPath(path).parent.name
            yield {"label": parent} if parent else {}
    elif layout.pattern is not None:
        pattern = re.compile(layout.pattern)
        for path in images:
            match = pattern.fullmatch(path if "/" in layout.pattern else PurePosixPath(path).name)
            yield match.groupdict() if match else {}
    elif layout.csv is not None:
        rows = _rows(folder / layout.csv)
        yield from (rows.get(path, {}) for path in images)
    else:
        yield from ({} for _ in images)


def _rows(table: Path) -> dict[str, dict[str, str]]:
    with table.open(encoding="utf-8-sig", newline="") as file:
        return {
            row["file"]: {key: value for key, value in row.items() if value and key != "file"}
            for row in csv.DictReader(file)
        }


def _attributes(told: Sequence[dict[str, str]]) -> dict[str, int]:
    values: dict[str, set[str]] = defaultdict(set)
    for groups in told:
        for name, value in groups.items():
            if name not in ("label", "split"):
                values[name].add(value)
    return {name: len(distinct) for name, distinct in values.items()}


def _sample(images: Sequence[str], n: int) -> list[str]:
    """All images, or `n` of them at even distances."""
    if len(images) <= n:
        return list(images)
    return [images[index * len(images) // n] for index in range(n)]


def _decoded(
    folder: Path, images: Sequence[str], on_progress: OnProgress | None
) -> tuple[dict[str, int], dict[tuple[int, int], int], tuple[Broken, ...]]:
    """Formats, sizes and broken files, by the decoder that training and serving use."""
    formats: Counter[str] = Counter()
    sizes: Counter[tuple[int, int]] = Counter()
    broken: list[Broken] = []
    for index, path in enumerate(images):
        try:
            data = (folder / path).read_bytes()
            header = read_header(data)
            height, width = decode(data).shape[:2]
        except ImageRefused as error:
            broken.append(Broken(path, error.reason.value, error.detail))
        else:
            formats[f"{header.format} {header.mode}"] += 1
            sizes[width, height] += 1
        if on_progress is not None:
            on_progress(index + 1, len(images))
    return dict(formats.most_common()), dict(sizes.most_common()), tuple(broken)


def _duplicates(folder: Path, images: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Groups of files with the same bytes; only files of the same length are read."""
    by_size: dict[int, list[str]] = defaultdict(list)
    for path in images:
        by_size[(folder / path).stat().st_size].append(path)
    by_hash: dict[str, list[str]] = defaultdict(list)
    for size, paths in by_size.items():
        for path in paths if size and len(paths) > 1 else ():
            by_hash[_sha256(folder / path)].append(path)
    return tuple(tuple(paths) for paths in by_hash.values() if len(paths) > 1)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _counts(values: Iterable[str | None]) -> dict[str, int]:
    return dict(sorted(Counter(value for value in values if value is not None).items()))
