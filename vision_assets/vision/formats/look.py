"""Look at a folder of images before a use case is made of it."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vision_assets.vision.errors import ImageRefused
from vision_assets.vision.formats.labels import Labelled, labeller
from vision_assets.vision.formats.layout import Layout, infer_layout
from vision_assets.vision.formats.listing import list_folder
from vision_assets.vision.inference.decode import decode, read_header
from vision_assets.vision.spec import SourceSpec

MAX_FILES = 200_000
MAX_DECODED = 3_000
FEW = 10
"""A class with fewer images than this is hardly learnt and hardly tested."""


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
        others: number of files that are no images, per extension or, where there is none, name.
        ignore: globs that leave out masks and others, as `source.ignore` says them.
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
    ignore: tuple[str, ...]
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
        SpecError: a table of labels is wrong.
    """
    listing = list_folder(folder, max_files)
    images = listing.images
    layout = _layout(listing.table, images)
    told = _told(layout, folder, images)
    formats, sizes, broken = _decoded(folder, _sample(images, max_decoded), on_progress)
    return Findings(
        folder=folder,
        layout=layout,
        n_images=len(images),
        classes=_counts(said.label for said in told),
        splits=_counts(said.given_split for said in told),
        unlabelled=sum(said.label is None for said in told),
        attributes=_attributes(told),
        formats=formats,
        sizes=sizes,
        n_decoded=min(len(images), max_decoded),
        broken=broken,
        duplicates=_duplicates(folder, images),
        masks=listing.masks,
        others=listing.others,
        ignore=listing.ignore,
        truncated=listing.truncated,
    )


def _layout(table: str | None, images: Sequence[str]) -> Layout:
    if table is not None:
        return Layout("csv", f"{table} names files and labels", csv=table)
    return infer_layout(images)


def _told(layout: Layout, folder: Path, images: Sequence[str]) -> list[Labelled]:
    """What each path says, by the labeller that ingest uses."""
    said = {"label": layout.label, "pattern": layout.pattern, "csv": layout.csv}
    source = SourceSpec.model_validate({"landing": str(folder), **said})
    return list(map(labeller(source, folder), images))


def _attributes(told: Sequence[Labelled]) -> dict[str, int]:
    values: dict[str, set[str]] = defaultdict(set)
    for said in told:
        for name, value in said.attributes.items():
            values[name].add(value)
    return {name: len(distinct) for name, distinct in values.items()}


def _counts(values: Iterable[str | None]) -> dict[str, int]:
    return dict(sorted(Counter(value for value in values if value is not None).items()))


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
