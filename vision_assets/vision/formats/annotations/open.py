"""The reader that a source names, and which of its files are no images."""

from pathlib import Path, PurePosixPath

from vision_assets.vision.formats.annotations.reader import AnnotationReader
from vision_assets.vision.formats.annotations.voc_folder import VocFolder
from vision_assets.vision.spec import SourceSpec

SIDECAR_SUFFIXES = frozenset({".xml", ".txt", ".json", ".yaml", ".yml"})


def open_annotations(source: SourceSpec, landing: Path) -> AnnotationReader | None:
    """The reader of a source; None where labels are told without annotation files."""
    if source.label == "voc":
        return VocFolder(landing, source.annotations, source.first_pixel)
    return None


def is_sidecar(source: SourceSpec, path: str) -> bool:
    """Whether a file of the landing folder holds annotations or belongs to them."""
    if source.label in ("folder", "pattern", "csv", "none"):
        return False
    return PurePosixPath(path).suffix.lower() in SIDECAR_SUFFIXES
