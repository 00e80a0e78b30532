"""Writes the images of a dataset version to a folder, as other tools read them.

    <to>/...               images, bytes as stored, and annotations, as the format has them
    <to>/manifest.csv      one row per image, those erased since included
    <to>/export.json       which version this is, in which format

Everything is written to a hidden folder beside the target, which takes the target's name once it
is complete. Killed before that, the next call goes on where it stopped.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from vision_assets.vision.atomic import is_full, write_text
from vision_assets.vision.dataset.versions import DatasetVersion, ImageSource
from vision_assets.vision.errors import DatasetError, DiskFull
from vision_assets.vision.file_lock import file_lock
from vision_assets.vision.formats.exported_table import COLUMNS, ERASED
from vision_assets.vision.formats.writing.annotations import AnnotatedImage, Annotations
from vision_assets.vision.formats.writing.writers import check_names, writer
from vision_assets.vision.manifest import SPLITS, attribute_columns
from vision_assets.vision.objects import from_text

FOLDERS = "folders"
_SUFFIX = {
    "JPEG": ".jpg",
    "PNG": ".png",
    "BMP": ".bmp",
    "TIFF": ".tif",
    "WEBP": ".webp",
    "GIF": ".gif",
    "MPO": ".jpg",
}
_TOLD_COLUMNS = ("image_id", "format", "width", "height", "mode", "split", "label", "objects")
_TABLE, _MARKER = "manifest.csv", "export.json"


class ReadableSource(ImageSource, Protocol):
    """A source that also gives the bytes; `ImageStore` is one."""

    def read(self, ids: Sequence[str]) -> Iterator[tuple[str, bytes]]: ...


@dataclass(frozen=True)
class Export:
    """What was written.

    Attributes:
        folder: where.
        n_images: how many images are there.
        erased: ids of images of the version that are not there, because they were erased.
        without_objects: labelled images that are not there, because nobody said which objects
            they show and the format is of objects.
        losses: what the format has no place for, in words.
    """

    folder: Path
    n_images: int
    erased: tuple[str, ...]
    without_objects: int = 0
    losses: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Images:
    """Rows of a manifest as images with their objects, read from text while they are taken."""

    rows: pd.DataFrame

    def __iter__(self) -> Iterator[AnnotatedImage]:
        for row in self.rows[list(_TOLD_COLUMNS)].itertuples(index=False):
            yield AnnotatedImage(
                name=f"{row.image_id}{_SUFFIX.get(str(row.format), '.bin')}",
                width_px=int(row.width),  # pyright: ignore[reportArgumentType]
                height_px=int(row.height),  # pyright: ignore[reportArgumentType]
                channels=1 if str(row.mode) in ("1", "L") else 3,
                split=str(row.split),
                label=str(row.label),
                objects=from_text(row.objects) if isinstance(row.objects, str) else (),
            )


@dataclass(frozen=True)
class _Content:
    """What an export holds: images by file, and the annotations that are written beside them."""

    version: DatasetVersion
    format: str
    rows: pd.DataFrame
    said: Annotations

    @property
    def marker(self) -> dict[str, str]:
        version = self.version
        return {
            "version": version.name,
            "fingerprint": version.fingerprint,
            "format": self.format,
        }

    @property
    def files(self) -> set[str]:
        """Everything that is there when it is complete."""
        annotations = {path for path, _ in writer(self.format).annotation_files(self.said)}
        return set(self.rows["file"]) - {""} | annotations | {_MARKER, _TABLE}


def export(
    version: DatasetVersion, source: ReadableSource, to: Path, format: str = FOLDERS
) -> Export:
    """Write the train, val and test images of a version.

    Args:
        version: which images, with which label and objects, in which split.
        source: the store that holds them.
        to: folder to create; one that is there has to be empty or hold this very export.
        format: coco, voc, yolo or folders (`vision.formats.writing`).

    Raises:
        DatasetError: the folder holds something else, no image has a list of objects, or the
            format has no place for the name of a class.
        DiskFull: no space is left; free some and call again, what was written is kept.
        SpecError: there is no such format.
    """
    to = to.absolute()
    content, result = _content(version, source, to, format)
    with file_lock(to.parent / f".{to.name}.lock", wait_s=0):
        if not _is_done(content, to):
            _write(content, source, to)
    return result


def _content(
    version: DatasetVersion, source: ReadableSource, to: Path, format: str
) -> tuple[_Content, Export]:
    check_names(format, version.classes)
    manifest = version.manifest()
    labelled = manifest[manifest["split"].isin(SPLITS)]
    rows = labelled if format == FOLDERS else labelled[labelled["objects"].notna()]
    if rows.empty and len(labelled):
        raise DatasetError(
            f"expected images of {version.name} with objects for the format {format}, got "
            f"{len(labelled)} with a label alone; export `folders`"
        )
    rows = rows.reset_index(drop=True)
    erased = rows["image_id"].isin(version.erased(source))
    said = Annotations(_Images(rows[~erased]), version.classes)
    place = writer(format).picture_file
    files = pd.Series([place(image) for image in _Images(rows)], rows.index, "string")
    rows.insert(0, "file", files.mask(erased, ""))
    result = Export(
        folder=to,
        n_images=int((~erased).sum()),
        erased=tuple(rows.loc[erased, "image_id"]),
        without_objects=len(labelled) - len(rows),
        losses=tuple(writer(format).losses(said)),
    )
    return _Content(version, format, rows, said), result


def _is_done(content: _Content, to: Path) -> bool:
    if not to.exists() or not any(to.iterdir()):
        return False
    marker, name = to / _MARKER, f"{content.version.name} as {content.format}"
    found = _told(json.loads(marker.read_text())) if marker.exists() else "other files"
    if found != _told(content.marker):
        raise DatasetError(
            f"expected {to} to be empty or to hold {name}, got {found}; "
            "name another folder, or empty this one"
        )
    wanted, there = content.files, _files_in(to)
    if wanted != there:
        raise DatasetError(
            f"{to} holds {name}, but {len(wanted - there)} of its files are missing and "
            f"{len(there - wanted)} were added since; empty the folder and export again"
        )
    return True


def _told(marker: dict[str, str]) -> str:
    return f"{marker['fingerprint']} as {marker.get('format', FOLDERS)}"


def _write(content: _Content, source: ReadableSource, to: Path) -> None:
    version, rows = content.version, content.rows
    partial = to.parent / f".{to.name}.partial-{content.format}-{version.fingerprint[:12]}"
    try:
        partial.mkdir(parents=True, exist_ok=True)
        _write_images(source, rows[rows["file"] != ""], partial)
        _write_annotations(content, partial)
        _write_table(rows, partial)
        write_text(partial / _MARKER, json.dumps(content.marker, indent=1))
    except OSError as error:
        if not is_full(error):
            raise
        raise DiskFull(
            f"no space is left for {to}; free some and export again: it goes on from {partial}"
        ) from error
    os.sync()  # once for all images, before the rename makes them the export
    partial.rename(to)


def _write_images(source: ReadableSource, rows: pd.DataFrame, partial: Path) -> None:
    for folder in {Path(file).parent for file in rows["file"]}:
        (partial / folder).mkdir(parents=True, exist_ok=True)
    there = _files_in(partial)
    for file in there - set(rows["file"]):
        (partial / file).unlink()
    missing = rows[~rows["file"].isin(there)]
    files = iter(missing["file"])
    for (_, data), file in zip(source.read(missing["image_id"].tolist()), files, strict=True):
        temporary = partial / f"{file}.part"
        temporary.write_bytes(data)
        temporary.rename(partial / file)


def _write_annotations(content: _Content, partial: Path) -> None:
    """Anew each time: they take a fraction of the images' time."""
    for path, pieces in writer(content.format).annotation_files(content.said):
        file = partial / path
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w", encoding="utf-8", newline="") as opened:
            opened.writelines(pieces)


def _write_table(rows: pd.DataFrame, partial: Path) -> None:
    attributes = attribute_columns(rows.columns.drop("file"))
    erased = np.where(rows["file"] == "", "yes", "")
    table = rows[[*COLUMNS, *attributes]].assign(**{ERASED: erased})
    write_text(partial / _TABLE, table.to_csv(index=False))


def _files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
