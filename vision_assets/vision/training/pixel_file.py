"""Decoded images of one size in a file, read batch by batch.

The file is read with `preadv`, not mapped: what was read stays in the system's cache, and the
process holds one batch, however many images there are.
"""

import os
import zlib
from typing import BinaryIO

import numpy as np

CHANNELS = 3


class Pixels:
    """Images in a file, indexed by an array of positions like an array in memory."""

    def __init__(self, file: BinaryIO | None, height_px: int, width_px: int, rows: range) -> None:
        """A view of consecutive images.

        Args:
            file: the images one after the other; None where there are no rows.
            height_px: of each.
            width_px: of each.
            rows: which images of the file.
        """
        self._file, self._rows = file, rows
        self.shape = (len(rows), height_px, width_px, CHANNELS)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, chosen: np.ndarray) -> np.ndarray:
        """Images at positions (n,), as (n, h, w, 3) uint8 in memory."""
        images = np.empty((len(chosen), *self.shape[1:]), np.uint8)
        for image, position in zip(images, chosen, strict=True):
            read_image(self._file, self._rows[position], image)
        return images

    def part(self, begin: int, end: int) -> "Pixels":
        """The images from one position up to another."""
        return Pixels(self._file, *self.shape[1:3], self._rows[begin:end])


def read_image(file: BinaryIO | None, row: int, image: np.ndarray) -> None:
    """Fill an image, contiguous uint8, from one row of a file.

    Raises:
        EOFError: the file ends before.
    """
    assert file is not None, "expected rows of a file, got no file"
    found = os.preadv(file.fileno(), [image.reshape(-1).data], row * image.nbytes)
    if found != image.nbytes:
        raise EOFError(f"expected {image.nbytes} bytes of image {row}, got {found}")


def write_image(file: BinaryIO, row: int, image: np.ndarray) -> None:
    """Write an image, contiguous uint8, to one row of a file."""
    os.pwrite(file.fileno(), image.reshape(-1).data, row * image.nbytes)


def checksum(image: np.ndarray) -> int:
    """CRC-32 of an image's bytes."""
    return zlib.crc32(image.reshape(-1).data)
