"""The layout of MVTec AD: `train/good`, `test/<defect>`, `ground_truth/<defect>/<name>_mask.png`.

Bergmann et al., "The MVTec Anomaly Detection Dataset", 2021. Folders tell label and split.
"""

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path, PurePosixPath

from vision_assets.vision.formats.annotations.file_text import is_there
from vision_assets.vision.formats.annotations.mask_folder import read_mask_file
from vision_assets.vision.formats.annotations.places import unclaimed
from vision_assets.vision.formats.annotations.said import Fault, Said
from vision_assets.vision.spec import MaskSpec

MASKS, GOOD = "ground_truth", "good"
_SUFFIX = "_mask.png"


class MvtecFolder:
    """Reads masks.

    Args:
        landing: folder that all paths are below; one object, or a folder for each.
        masks: threshold of the masks.
    """

    def __init__(self, landing: Path, masks: MaskSpec) -> None:
        self._landing, self._masks = landing, masks.model_copy(update={"kind": "binary"})

    def files_of(self, path: str) -> tuple[str, ...]:
        """The mask; none of an image of `good`."""
        image = PurePosixPath(path)
        defect = image.parent.name
        if len(image.parts) < len(("test", defect, image.name)) or defect == GOOD:
            return ()
        return (str(image.parents[2] / MASKS / defect / (image.stem + _SUFFIX)),)

    def read(self, path: str) -> Said | None:
        """The mask's object; none is on an image of `good`."""
        if PurePosixPath(path).parent.name == GOOD:
            return Said(path, objects=())
        for file in self.files_of(path):
            if is_there(self._landing, file):
                label = PurePosixPath(path).parent.name
                return read_mask_file(self._landing, file, self._masks, label)
        return None

    def missing(self, files: Collection[str], images: Iterable[str]) -> Iterator[Fault]:
        """Masks whose image is not there."""
        return unclaimed([file for file in files if is_truth(file)], images, self.files_of)

    def split_of(self, path: str) -> str | None:
        """Folders tell it, whatever the format."""
        del path


def is_truth(path: str) -> bool:
    """Whether a file lies in the folder of masks."""
    return MASKS in PurePosixPath(path).parts[:-1]
