"""A landing folder of images and masks: in a folder of their own, or beside, with other names."""

from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path, PurePosixPath

from vision_assets.vision.formats.annotations.file_text import Unusable, is_there, read_bytes
from vision_assets.vision.formats.annotations.mask import read_mask
from vision_assets.vision.formats.annotations.places import places, unclaimed
from vision_assets.vision.formats.annotations.said import Fault, Said
from vision_assets.vision.spec import MaskSpec, SourceSpec

TWINS = ("masks", "mask", "Masks", "labels", "annotations", "ground_truth", "SegmentationClass")
_EXTENSIONS = (".png", ".bmp", ".tif", ".tiff")


class MaskFolder:
    """Reads masks.

    Args:
        landing: folder that all paths are below.
        source: where they lie, and what their values mean.
        label_of: class of an image, which is that of a binary mask.
    """

    def __init__(
        self, landing: Path, source: SourceSpec, label_of: Callable[[str], str | None]
    ) -> None:
        self._landing, self._source, self._label_of = landing, source, label_of
        extension = source.masks.extension
        self._extensions = _EXTENSIONS if extension is None else (extension,)

    def files_of(self, path: str) -> tuple[str, ...]:
        """Masks of the image's name."""
        stem = PurePosixPath(path).stem + self._source.masks.suffix
        found = [
            place
            for extension in self._extensions
            for place in places(
                path, name=stem + extension, folder=self._source.annotations, twins=TWINS
            )
        ]
        return tuple(place for place in found if place != path)

    def read(self, path: str) -> Said | None:
        """The first mask that is there."""
        for file in self.files_of(path):
            if is_there(self._landing, file):
                return read_mask_file(self._landing, file, self._source.masks, self._label_of(path))
        return None

    def missing(self, files: Collection[str], images: Iterable[str]) -> Iterator[Fault]:
        """Masks whose image is not there."""
        masks = [file for file in files if is_mask(self._source, file)]
        return unclaimed(masks, images, self.files_of)

    def split_of(self, path: str) -> str | None:
        """Folders tell splits, masks do not."""
        del path


def read_mask_file(landing: Path, file: str, spec: MaskSpec, label: str | None) -> Said:
    """Read a mask from its file; what is wrong with it is in the result."""
    try:
        return read_mask(read_bytes(landing, file), file, spec, label)
    except Unusable as error:
        return error.said(file)


def is_mask(source: SourceSpec, path: str) -> bool:
    """Whether a file is a mask, by its path."""
    file, masks = PurePosixPath(path), source.masks
    if masks.extension is not None and file.suffix != masks.extension:
        return False
    if source.annotations is not None:
        return file.is_relative_to(source.annotations) and file.stem.endswith(masks.suffix)
    if masks.suffix:
        return file.stem.endswith(masks.suffix)
    return masks.extension is not None or not set(TWINS).isdisjoint(file.parts[:-1])
