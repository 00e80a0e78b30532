"""Files that are named like images, read no further than they would be decoded."""

import os
import stat
from pathlib import Path

from vision_assets.vision.confined import open_below
from vision_assets.vision.errors import ImageRefused, Reason
from vision_assets.vision.inference.decode import Limits

UNREADABLE = "unreadable"
"""Why a file is refused that the system does not let us read."""


def read_image_file(folder: Path, path: str, limits: Limits) -> bytes:
    """The whole file; a link out of the folder is not followed, a pipe not waited for.

    Args:
        folder: that the path is below.
        path: of the file, posix.
        limits: the most bytes that are read.

    Raises:
        ImageRefused: it has too many bytes.
        OSError: it cannot be read, is no file, or lies elsewhere.
    """
    descriptor = open_below(folder, path)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"expected a file, got a folder, a pipe or a device at {path!r}")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(limits.max_bytes + 1)
    finally:
        os.close(descriptor)
    if len(data) > limits.max_bytes:
        raise ImageRefused(
            Reason.TOO_MANY_BYTES,
            f"expected at most {limits.max_bytes} bytes, got more; raise {limits.bytes_key}",
        )
    return data
