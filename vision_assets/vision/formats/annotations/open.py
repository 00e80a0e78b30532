"""The reader that a source names, and which of its files are no images."""

from collections.abc import Callable
from pathlib import Path, PurePosixPath

from vision_assets.vision.formats.annotations.coco_folder import CocoFolder
from vision_assets.vision.formats.annotations.mask_folder import MaskFolder, is_mask
from vision_assets.vision.formats.annotations.mvtec_folder import MvtecFolder, is_truth
from vision_assets.vision.formats.annotations.reader import AnnotationReader
from vision_assets.vision.formats.annotations.voc_folder import VocFolder
from vision_assets.vision.formats.annotations.yolo_folder import YoloFolder
from vision_assets.vision.spec import SourceSpec

SIDECAR_SUFFIXES = frozenset({".xml", ".txt", ".json", ".yaml", ".yml"})


def open_annotations(
    source: SourceSpec,
    landing: Path,
    indices: Path | None = None,
    label_of: Callable[[str], str | None] = lambda path: None,
) -> AnnotationReader | None:
    """The reader of a source; None where labels are told without annotation files.

    Args:
        source: the format, and where its files lie.
        landing: folder that all paths are below.
        indices: folder where what was read of large files is kept between runs.
        label_of: class of an image, by its path.
    """
    if not source.says_objects:
        return None
    readers: dict[str, Callable[[], AnnotationReader]] = {
        "voc": lambda: VocFolder(landing, source.annotations, source.first_pixel),
        "yolo": lambda: YoloFolder(landing, source.annotations),
        "coco": lambda: CocoFolder(landing, source.annotations, indices),
        "masks": lambda: MaskFolder(landing, source, label_of),
        "mvtec": lambda: MvtecFolder(landing, source.masks),
    }
    return readers[source.label]()


def is_sidecar(source: SourceSpec, path: str) -> bool:
    """Whether a file of the landing folder holds annotations or belongs to them."""
    if not source.says_objects:
        return False
    if PurePosixPath(path).suffix.lower() in SIDECAR_SUFFIXES:
        return True
    return (source.label == "masks" and is_mask(source, path)) or (
        source.label == "mvtec" and is_truth(path)
    )
