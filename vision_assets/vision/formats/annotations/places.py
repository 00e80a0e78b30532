"""Where the annotation file of an image lies: beside it, or in a folder that stands for its own."""

from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import PurePosixPath

from vision_assets.vision.formats.annotations.said import Fault, Kind

IMAGE_FOLDERS = ("JPEGImages", "images", "imgs", "Images", "Imgs")
"""What folders of images are called where annotations have a folder of their own."""


def places(
    path: str, *, name: str, folder: str | None, twins: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Paths at which the file may lie, the likeliest first.

    Args:
        path: of the image, posix, below the landing folder.
        name: file name of the annotation.
        folder: that holds the annotations, below the landing folder; what folders the image lies
            in may be there again, in full or without the outer ones. None: look around the image.
        twins: names of a folder of annotations that has the place of a folder of images.
    """
    parents = PurePosixPath(path).parts[:-1]
    if folder is not None:
        found = [PurePosixPath(folder, *parents[n:], name) for n in range(len(parents) + 1)]
    else:
        found = [PurePosixPath(*parents, name)]
        found += [PurePosixPath(*swapped, name) for swapped in _swapped(parents, twins)]
    return tuple(dict.fromkeys(map(str, found)))


def unclaimed(
    files: Collection[str],
    images: Iterable[str],
    files_of: Callable[[str], Collection[str]],
) -> Iterator[Fault]:
    """A fault for each of the files that would speak of none of the images."""
    left = set(files)
    for path in images:
        left.difference_update(files_of(path))
    for file in sorted(left):
        yield Fault(Kind.MISSING_IMAGE, file, "expected an image of this name, got none")


def _swapped(parents: tuple[str, ...], twins: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The folders with the innermost one of images replaced."""
    inner = [at for at, part in enumerate(parents) if part in IMAGE_FOLDERS]
    if inner:
        for twin in twins:
            yield (*parents[: inner[-1]], twin, *parents[inner[-1] + 1 :])
