"""A file as the landing folder shows it."""

from dataclasses import dataclass

from vision_assets.vision.formats.path_text import as_text

FileKey = tuple[str, int, int]


@dataclass(frozen=True, order=True, slots=True)
class LandedFile:
    """A file as the landing folder shows it; `path` is posix, below the landing folder."""

    path: str
    size_bytes: int
    modified_ns: int

    @property
    def key(self) -> FileKey:
        """What tells it from another state of the same path, as the ledger holds it."""
        return as_text(self.path), self.size_bytes, self.modified_ns
