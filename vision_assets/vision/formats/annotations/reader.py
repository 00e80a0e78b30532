"""The annotations of a source: which files speak of an image, and what they say."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Protocol

from vision_assets.vision.formats.annotations.said import Fault, Said


class AnnotationReader(Protocol):
    """One format; paths are posix, below the landing folder."""

    def files_of(self, path: str) -> Sequence[str]:
        """Files that would speak of an image, whether they are there or not."""
        ...

    def read(self, path: str) -> Said | None:
        """What is said of an image; None where no file speaks of it.

        Raises:
            LandingUnreadable: a file cannot be read now, which is no fault of the file.
        """
        ...

    def missing(self, files: Collection[str], images: Iterable[str]) -> Iterator[Fault]:
        """What some annotation files say of images that are not there.

        Args:
            files: to look into.
            images: every path at which an image is, or was.
        """
        ...

    def split_of(self, path: str) -> str | None:
        """The split that the format puts an image in."""
        ...
