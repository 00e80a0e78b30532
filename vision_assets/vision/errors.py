"""Every error that vision_assets raises on purpose.

    VisionAssetsError
    ├── SpecError                what a YAML file or an argument says is wrong
    ├── ImageRefused             one image is not taken; carries a Reason
    ├── StoreError
    │   ├── StoreLocked          another process writes
    │   ├── DiskFull             too little space to go on safely
    │   └── LandingUnreadable    the landing folder cannot be listed or read
    ├── DatasetError             a dataset version is missing, damaged or cannot be made
    ├── TrainingError            a recipe cannot be trained on this dataset
    ├── BundleError              a bundle is missing, damaged or of another contract
    ├── CheckFailed              an asset failed a check that blocks those below it
    ├── ServiceError             a Bento cannot be built, started or reached
    ├── DeploymentError          a switch or a roll-back cannot be done
    ├── BackupError              a backup cannot be taken, is damaged or cannot be restored
    └── HomeVersionError         the home was written by another release

A message says what was expected, what came, and what to do about it.
"""

from enum import StrEnum


class VisionAssetsError(Exception):
    """Base of all errors of vision_assets."""


class SpecError(VisionAssetsError):
    """What a YAML file, a pattern or an argument says is wrong.

    Attributes:
        field: where in a use case's attributes, as in `("gates", 0, "metric")`; empty where it
            is told by the message alone.
    """

    def __init__(self, message: str, field: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.field = field


class Reason(StrEnum):
    """Why an image is refused; the vocabulary of the quarantine."""

    EMPTY = "empty"
    NOT_AN_IMAGE = "not_an_image"
    TRUNCATED = "truncated"
    TOO_SMALL = "too_small"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_MANY_BYTES = "too_many_bytes"
    UNSUPPORTED_MODE = "unsupported_mode"
    UNKNOWN_CLASS = "unknown_class"
    LABEL_CONFLICT = "label_conflict"
    BAD_ANNOTATION = "bad_annotation"


class ImageRefused(VisionAssetsError):
    """One image is not accepted.

    Attributes:
        reason: the machine-readable cause.
        detail: what was expected, what came, what to do.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason.value}: {detail}")
        self.reason = reason
        self.detail = detail


class StoreError(VisionAssetsError):
    """The image store cannot do what was asked."""


class StoreLocked(StoreError):
    """Another process holds the write lock of the store."""


class DiskFull(StoreError):
    """Too little disk space is left to write safely."""


class LandingUnreadable(StoreError):
    """The landing folder cannot be listed or read."""


class DatasetError(VisionAssetsError):
    """A dataset version is missing, damaged or cannot be made."""


class TrainingError(VisionAssetsError):
    """A recipe cannot be trained on this dataset."""


class BundleError(VisionAssetsError):
    """A bundle is missing, damaged or of another contract version."""


class CheckFailed(VisionAssetsError):
    """An asset failed a check that blocks the assets below it."""


class ServiceError(VisionAssetsError):
    """A Bento cannot be built, started or reached."""


class DeploymentError(VisionAssetsError):
    """A switch or a roll-back cannot be done."""


class BackupError(VisionAssetsError):
    """A backup cannot be taken, is damaged or cannot be restored."""


class HomeVersionError(VisionAssetsError):
    """The home was written by another release of vision_assets."""
