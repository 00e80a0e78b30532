"""A landing folder of COCO: one JSON, or one per split."""

import re
import shutil
import tempfile
import weakref
from collections.abc import Collection, Iterable, Iterator
from functools import cache, cached_property
from itertools import takewhile
from pathlib import Path, PurePosixPath

from vision_assets.vision.formats.annotations.coco_index import CocoIndex
from vision_assets.vision.formats.annotations.file_text import Unusable
from vision_assets.vision.formats.annotations.said import Fault, Kind, Said
from vision_assets.vision.formats.annotations.split_names import SPLIT_NAMES

_EVERY_JSON = "**/*.json"
_WORD = re.compile(r"[a-z]+")


def json_files(landing: Path, glob: str | None) -> tuple[str, ...]:
    """The files of a glob, every JSON without one; posix, sorted, hidden ones left out."""
    found = (path.relative_to(landing) for path in landing.glob(glob or _EVERY_JSON))
    return tuple(sorted(p.as_posix() for p in found if not any(q[0] == "." for q in p.parts)))


class CocoFolder:
    """Reads COCO's JSON.

    Args:
        landing: folder that all paths are below.
        files: a JSON, or a glob; None: every JSON.
        indices: folder where what was read is kept between runs; None: for as long as this is used.
    """

    def __init__(self, landing: Path, files: str | None, indices: Path | None) -> None:
        self._landing, self._glob = landing, files
        self._indices = indices or _folder_as_long_as(self)
        self._index = cache(self._open)
        self._order = cache(self._ordered)

    @cached_property
    def _files(self) -> tuple[str, ...]:
        return json_files(self._landing, self._glob)

    def files_of(self, path: str) -> tuple[str, ...]:
        """Every JSON, those near the image first."""
        return self._order(PurePosixPath(path).parent)

    def read(self, path: str) -> Said | None:
        """The surest JSON that has the image; a damaged one where none has.

        Raises:
            LandingUnreadable: a JSON cannot be read now.
            DiskFull: the disk has no room for an index.
        """
        files = self.files_of(path)
        surest = self._surest(path, files)
        if not surest:
            damaged = next((i for i in map(self._index, files) if isinstance(i, Unusable)), None)
            return None if damaged is None else damaged.said(files[0])
        index, name = surest[0]
        if len(surest) > 1 and name != path and "/" not in name:
            return _ambiguous(name, [each.file for each, _ in surest])
        return index.find(name)

    def missing(self, files: Collection[str], images: Iterable[str]) -> Iterator[Fault]:
        """Images and objects of a JSON whose image is not there."""
        images = tuple(images)
        for file in sorted(set(files) & set(self._files)):
            index = self._index(file)
            if isinstance(index, Unusable):
                yield Fault(index.kind, file, index.detail)
                continue
            left = set(index.names())
            for path in images:
                left.difference_update(_names(path))
            for name in sorted(left):
                yield Fault(Kind.MISSING_IMAGE, file, f"expected the image {name!r}, got none")
            for at, image_id in index.strays():
                detail = f"expected an image of the id {image_id}, got none"
                yield Fault(Kind.MISSING_IMAGE, file, detail, at)

    def split_of(self, path: str) -> str | None:
        """By the name of the JSON that has the image, such as `instances_train2017.json`."""
        named = [file for file in self.files_of(path) if _split_of_file(file) is not None]
        splits = {_split_of_file(index.file) for index, _ in self._surest(path, named)}
        return splits.pop() if len(splits) == 1 else None

    def _surest(self, path: str, files: Collection[str]) -> list[tuple[CocoIndex, str]]:
        """The JSONs that have the image, each with its name there; the surest alone.

        Sure is a JSON by the folders that its place and the name share with the image, then by
        its place, then by not being called after another split than a folder of the image. A bare
        name in a JSON of another split is another image where its own split has a JSON as near.
        """
        found: dict[tuple[int, int, bool], list[tuple[CocoIndex, str]]] = {}
        folder = PurePosixPath(path).parent
        own = {_shared(file, folder) for file in files if not _of_another_split(file, folder)}
        for file in files:
            index = self._index(file)
            if isinstance(index, Unusable):
                continue
            name = next(filter(index.has, _names(path)), None)
            if name is None:
                continue
            shared, other = _shared(file, folder), _of_another_split(file, folder)
            if other and shared in own and "/" not in name and _split_of_file(file) is not None:
                continue
            rank = (-shared - name.count("/"), -shared, other)
            found.setdefault(rank, []).append((index, name))
        return found[min(found)] if found else []

    def _open(self, file: str) -> CocoIndex | Unusable:
        try:
            return CocoIndex(self._landing, file, self._indices)
        except Unusable as error:
            return error

    def _ordered(self, folder: PurePosixPath) -> tuple[str, ...]:
        return tuple(sorted(self._files, key=lambda file: (-_shared(file, folder), file)))


def _folder_as_long_as(reader: CocoFolder) -> Path:
    """A temporary folder that goes with the reader."""
    folder = tempfile.mkdtemp(prefix="vision_assets-")
    weakref.finalize(reader, shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _ambiguous(name: str, files: list[str]) -> Said:
    detail = (
        f"expected the image {name!r} in one JSON, got it in {', '.join(files)}, equally near; "
        "write its folders into file_name, or name one JSON by source.annotations"
    )
    return Said(files[0], faults=(Fault(Kind.DUPLICATE_ID, files[0], detail),))


def _shared(file: str, folder: PurePosixPath) -> int:
    """How many folders a file shares with an image."""
    pairs = zip(PurePosixPath(file).parent.parts, folder.parts, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _names(path: str) -> tuple[str, ...]:
    """What a JSON may call an image: its path, or the end of it."""
    parts = PurePosixPath(path).parts
    return tuple("/".join(parts[n:]) for n in range(len(parts)))


def _split_of_file(file: str) -> str | None:
    return _split_in(PurePosixPath(file).stem)


def _of_another_split(file: str, folder: PurePosixPath) -> bool:
    """Whether the innermost folder that names a split names another one than the file."""
    named = next(filter(None, map(_split_in, reversed(folder.parts))), None)
    return named is not None and _split_of_file(file) != named


def _split_in(stem: str) -> str | None:
    words = _WORD.findall(stem.lower())
    return next((SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES), None)
