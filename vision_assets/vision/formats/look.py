"""Look at a folder of images before a use case is made of it."""

import hashlib
import os
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from vision_assets.vision.confined import open_below
from vision_assets.vision.errors import ImageRefused
from vision_assets.vision.formats.annotations.open import is_sidecar, open_annotations
from vision_assets.vision.formats.class_names import declared_classes
from vision_assets.vision.formats.labels import Labelled, labeller
from vision_assets.vision.formats.layout import Layout, infer_layout, without_label
from vision_assets.vision.formats.listing import Listing, ignore_globs, list_folder
from vision_assets.vision.formats.object_tally import ObjectTally
from vision_assets.vision.formats.recognise import recognise
from vision_assets.vision.image_file import UNREADABLE, read_image_file
from vision_assets.vision.inference.decode import DEFAULT_LIMITS, decode, read_header
from vision_assets.vision.spec import SourceSpec

MAX_FILES = 200_000
MAX_DECODED = 3_000
FEW = 10
"""A class with fewer images than this is hardly learnt and hardly tested."""


@dataclass(frozen=True)
class Broken:
    """A file that is named like an image and cannot be read or decoded."""

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
        classes: images per class, by name, in the order of the format where it has one.
        class_ids: numbers of the classes, where the format has them.
        splits: images per given split.
        unlabelled: images of which nothing tells a label, or which objects they show.
        objects: what annotation files say; None where there are none.
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
    class_ids: dict[str, int]
    splits: dict[str, int]
    unlabelled: int
    objects: ObjectTally | None
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


_OWN_CLASSES = frozenset({"voc", "coco", "yolo"})
"""Formats that name a class for each object; one that only paths name would be none to find."""

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
        LandingUnreadable: it is no folder, or cannot be listed, or a file that says what its images
            show cannot be read.
        SpecError: a table of labels is wrong.
    """
    listing = list_folder(folder, max_files)
    images = listing.images
    layout = _layout(folder, listing)
    told = _told(layout.source(str(folder)), folder, listing)
    if told.only_paths and layout.pattern is not None and layout.label in _OWN_CLASSES:
        layout = replace(layout, pattern=without_label(layout.pattern))
        told = _told(layout.source(str(folder)), folder, listing)
    source = layout.source(str(folder))
    class_ids = declared_classes(folder, layout, listing)
    formats, sizes, broken = _decoded(folder, _sample(images, max_decoded), on_progress)
    return Findings(
        folder=folder,
        layout=layout,
        n_images=len(images),
        classes={name: told.classes[name] for name in [*class_ids, *sorted(told.classes)]},
        class_ids=class_ids,
        splits=dict(sorted(told.splits.items())),
        unlabelled=told.unlabelled,
        objects=told.objects if source.says_objects else None,
        attributes={name: len(values) for name, values in told.attributes.items()},
        formats=formats,
        sizes=sizes,
        n_decoded=min(len(images), max_decoded),
        broken=broken,
        duplicates=_duplicates(folder, images),
        masks=listing.masks,
        others=listing.others,
        ignore=ignore_globs(listing, partial(is_sidecar, source)),
        truncated=listing.truncated,
    )


def _layout(folder: Path, listing: Listing) -> Layout:
    """Annotation files tell more than a table, and that more than paths."""
    by_paths = infer_layout(listing.images)
    found = recognise(folder, listing)
    if found is not None:
        told_by_folder = found.label in ("masks", "mvtec") and by_paths.label == "folder"
        label = "" if told_by_folder or by_paths.label == "none" else f"; {by_paths.because}"
        return replace(found, because=found.because + label, pattern=by_paths.pattern)
    if listing.table is not None:
        return Layout("csv", f"{listing.table} names files and labels", csv=listing.table)
    return by_paths


@dataclass
class _Told:
    """What paths and annotation files say, counted."""

    classes: Counter[str] = field(default_factory=Counter)
    splits: Counter[str] = field(default_factory=Counter)
    attributes: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    unlabelled: int = 0
    by_path: set[str] = field(default_factory=set)
    objects: ObjectTally = field(default_factory=ObjectTally)

    @property
    def only_paths(self) -> set[str]:
        """Classes that paths name and no object has, such as `ok`."""
        return self.by_path - self.objects.objects.keys()

    def add(self, said: Labelled, size: tuple[int, int] | None) -> None:
        self.classes.update(said.labels)
        if said.label is not None:
            self.by_path.add(said.label)
        if said.given_split is not None:
            self.splits[said.given_split] += 1
        for name, value in said.attributes.items():
            self.attributes[name].add(value)
        is_annotated = said.said is not None and said.said.objects is not None
        self.unlabelled += not (said.labels or is_annotated)
        if said.said is not None:
            self.objects.add(said.said, size, said.label)


def _told(source: SourceSpec, folder: Path, listing: Listing) -> _Told:
    """What each path says, by the labeller that ingest uses."""
    told = _Told()
    with tempfile.TemporaryDirectory() as indices:
        label = labeller(source, folder, Path(indices))
        for path in listing.images:
            said = label(path)
            told.add(said, None if said.said is None else _size(folder, path))
        reader = open_annotations(source, folder, Path(indices))
        if reader is not None:
            for fault in reader.missing((*listing.rest, *listing.masks), listing.images):
                told.objects.note(fault)
    return told


def _size(folder: Path, path: str) -> tuple[int, int] | None:
    """Width and height of the upright picture, by its header; None of what is broken."""
    try:
        header = read_header(read_image_file(folder, path, DEFAULT_LIMITS))
    except (ImageRefused, OSError):
        return None
    turned = header.orientation >= 5
    return (header.height, header.width) if turned else (header.width, header.height)


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
            data = read_image_file(folder, path, DEFAULT_LIMITS)
            header = read_header(data)
            height, width = decode(data).shape[:2]
        except ImageRefused as error:
            broken.append(Broken(path, error.reason.value, error.detail))
        except OSError as error:
            broken.append(Broken(path, UNREADABLE, str(error)))
        else:
            formats[f"{header.format} {header.mode}"] += 1
            sizes[width, height] += 1
        if on_progress is not None:
            on_progress(index + 1, len(images))
    return dict(formats.most_common()), dict(sizes.most_common()), tuple(broken)


def _duplicates(folder: Path, images: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Groups of files with the same bytes; only files of the same length are read.

    Those that cannot be read are like no other.
    """
    by_size: dict[int, list[str]] = defaultdict(list)
    for path in images:
        with suppress(OSError):
            by_size[(folder / path).stat().st_size].append(path)
    by_hash: dict[str, list[str]] = defaultdict(list)
    for size, paths in by_size.items():
        for path in paths if size and len(paths) > 1 else ():
            with suppress(OSError):
                by_hash[_sha256(folder, path)].append(path)
    return tuple(tuple(paths) for paths in by_hash.values() if len(paths) > 1)


def _sha256(folder: Path, path: str) -> str:
    with os.fdopen(open_below(folder, path), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
