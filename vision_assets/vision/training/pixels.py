"""The images of a training, decoded and resized once, in a file instead of memory."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from vision_assets.vision.errors import DatasetError
from vision_assets.vision.inference.decode import DEFAULT_LIMITS, Limits, decode
from vision_assets.vision.inference.resize import resize

ReadBytes = Callable[[Sequence[str]], Iterator[tuple[str, bytes]]]
"""Image ids -> (id, encoded bytes), in the order asked, in bounded batches."""


@contextmanager
def decoded(
    ids: Sequence[str],
    read: ReadBytes,
    height_px: int,
    width_px: int,
    folder: Path,
    limits: Limits = DEFAULT_LIMITS,
) -> Iterator[np.ndarray]:
    """Decode and resize images into a memory-mapped file that lives as long as the block.

    The file has no name: it is gone with the process, however that ends.

    Args:
        ids: image ids, in the order in which their pixels are wanted.
        read: gives the bytes of each.
        height_px: height of the result.
        width_px: width of the result.
        folder: on the disk that takes the pixels.
        limits: what is decoded at all.

    Yields:
        (n, height_px, width_px, 3) uint8.

    Raises:
        DatasetError: an image is missing.
        ImageRefused: an image cannot be decoded.
    """
    if not ids:
        yield np.empty((0, height_px, width_px, 3), np.uint8)
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        pixels = np.memmap(file, np.uint8, "w+", shape=(len(ids), height_px, width_px, 3))
        found = 0
        for index, (image_id, data) in enumerate(read(ids)):
            if image_id != ids[index]:
                raise DatasetError(f"expected image {ids[index]}, got {image_id}")
            pixels[index] = resize(decode(data, limits), height_px, width_px)
            found += 1
        if found != len(ids):
            raise DatasetError(
                f"expected {len(ids)} images, the store gave {found}; images may have been "
                "removed since the dataset version was made: make a new one"
            )
        yield pixels
