"""Writes the images of a dataset version to a folder, as other tools read them.

    <to>/train/<class>/<image id>.jpg ...   val, test alike; bytes as stored
    <to>/manifest.csv                       one row per image, those erased since included
    <to>/export.json                        which version this is

Everything is written to a hidden folder beside the target, which takes the target's name once it
is complete. Killed before that, the next call goes on where it stopped.
"""

import errno
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from vision_assets.vision.atomic import write_text
from vision_assets.vision.dataset.versions import DatasetVersion, ImageSource
from vision_assets.vision.errors import DatasetError, DiskFull
from vision_assets.vision.file_lock import file_lock
from vision_assets.vision.manifest import SPLITS, attribute_columns

_SUFFIX = {
    "JPEG": ".jpg",
    "PNG": ".png",
    "BMP": ".bmp",
    "TIFF": ".tif",
    "WEBP": ".webp",
    "GIF": ".gif",
    "MPO": ".jpg",
}
_UNSAFE = re.compile(r'[\x00-\x1f<>:"/\\|?*%]|^\.|[. ]$')
_MARKER = "export.json"


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
    """

    folder: Path
    n_images: int
    erased: tuple[str, ...]


def export(version: DatasetVersion, source: ReadableSource, to: Path) -> Export:
    """Write the train, val and test images of a version.

    Args:
        version: which images, with which label, in which split.
        source: the store that holds them.
        to: folder to create; one that is there has to be empty or hold this very export.

    Raises:
        DatasetError: the folder holds something else.
        DiskFull: no space is left; free some and call again, what was written is kept.
    """
    to = to.absolute()
    manifest = version.manifest()
    rows = manifest[manifest["split"].isin(SPLITS)].reset_index(drop=True)
    erased = rows["image_id"].isin(version.erased(source))
    rows.insert(0, "file", _files(rows).mask(erased, ""))
    result = Export(to, int((~erased).sum()), tuple(rows.loc[erased, "image_id"]))
    with file_lock(to.parent / f".{to.name}.lock", wait_s=0):
        if not _is_done(version, rows, to):
            _write(version, source, rows, to)
    return result


def _is_done(version: DatasetVersion, rows: pd.DataFrame, to: Path) -> bool:
    if not to.exists() or not any(to.iterdir()):
        return False
    marker = to / _MARKER
    found = json.loads(marker.read_text())["fingerprint"] if marker.exists() else "other files"
    if found != version.fingerprint:
        raise DatasetError(
            f"expected {to} to be empty or to hold {version.name}, got {found}; "
            "name another folder, or empty this one"
        )
    wanted = set(rows["file"]) - {""} | {_MARKER, "manifest.csv"}
    there = _files_in(to)
    if wanted != there:
        raise DatasetError(
            f"{to} holds {version.name}, but {len(wanted - there)} of its files are missing and "
            f"{len(there - wanted)} were added since; empty the folder and export again"
        )
    return True


def _write(version: DatasetVersion, source: ReadableSource, rows: pd.DataFrame, to: Path) -> None:
    partial = to.parent / f".{to.name}.partial-{version.fingerprint[:12]}"
    try:
        _write_images(source, rows[rows["file"] != ""], partial)
        _write_tables(version, rows, partial)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
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


def _write_tables(version: DatasetVersion, rows: pd.DataFrame, partial: Path) -> None:
    partial.mkdir(parents=True, exist_ok=True)
    columns = ["file", "split", "label", "class_id", "image_id", "source", "group"]
    table = rows[[*columns, *attribute_columns(rows.columns.drop("file"))]]
    erased = np.where(rows["file"] == "", "yes", "")
    write_text(partial / "manifest.csv", table.assign(erased=erased).to_csv(index=False))
    marker = {"version": version.name, "fingerprint": version.fingerprint}
    write_text(partial / _MARKER, json.dumps(marker, indent=1))


def _files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def _files(rows: pd.DataFrame) -> pd.Series:
    """Path of each image below the export."""
    labels = rows["label"].map({label: _folder(label) for label in rows["label"].unique()})
    suffixes = rows["format"].map(_SUFFIX).fillna(".bin")
    files = rows["split"] + "/" + labels + "/" + rows["image_id"] + suffixes
    return files.astype("string")


def _folder(label: str) -> str:
    """A class name as a folder name: what file systems refuse is written as %XX."""
    return _UNSAFE.sub(lambda found: f"%{ord(found[0]):02X}", label)
