"""The images of a training, decoded and resized once, in a file instead of memory."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np

from vision_assets.vision.errors import DatasetError
from vision_assets.vision.inference.decode import DEFAULT_LIMITS, Limits, decode
from vision_assets.vision.inference.resize import resize
from vision_assets.vision.training.pixel_cache import PixelCache
from vision_assets.vision.training.pixel_file import Pixels, checksum, write_image

_DECODED_AT_A_TIME = 64
ReadBytes = Callable[[Sequence[str]], Iterator[tuple[str, bytes]]]
"""Image ids -> (id, encoded bytes), in the order asked, in bounded batches."""


@contextmanager
def decoded(
    ids: Sequence[str],
    read: ReadBytes,
    height_px: int,
    width_px: int,
    folder: Path,
    cache: PixelCache | None = None,
    limits: Limits = DEFAULT_LIMITS,
    threads: int = 1,
) -> Iterator[Pixels]:
    """Decode and resize images into a file that is open as long as the block runs.

    Without a cache the file has no name: it is gone with the process, however that ends.

    Args:
        ids: image ids, in the order in which their pixels are wanted.
        read: gives the bytes of each.
        height_px: height of the result.
        width_px: width of the result.
        folder: on the disk that takes the pixels where there is no cache.
        cache: keeps them for the next training.
        limits: what is decoded at all.
        threads: how many decode at a time.

    Yields:
        n images of (height_px, width_px, 3) uint8.

    Raises:
        DatasetError: an image is missing.
        ImageRefused: an image cannot be decoded.
    """
    if not ids:
        yield Pixels(None, height_px, width_px, range(0))
        return

    def fill(file: BinaryIO, missing: Mapping[str, int]) -> dict[str, int]:
        with ThreadPoolExecutor(threads) as pool:

            def prepare(data: bytes) -> np.ndarray:
                return resize(decode(data, limits), height_px, width_px)

            checksums = {}
            for image_id, pixels in _prepared(list(missing), read, prepare, pool):
                write_image(file, missing[image_id], pixels)
                checksums[image_id] = checksum(pixels)
        return checksums

    with _opened(ids, (height_px, width_px), fill, folder, cache) as file:
        yield Pixels(file, height_px, width_px, range(len(ids)))


def _opened(
    ids: Sequence[str],
    size: tuple[int, int],
    fill: Callable[[BinaryIO, Mapping[str, int]], dict[str, int]],
    folder: Path,
    cache: PixelCache | None,
) -> BinaryIO:
    """The file with the pixels of the images, one after the other."""
    if cache is not None:
        return cache.open(ids, size, fill)
    folder.mkdir(parents=True, exist_ok=True)
    file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (the caller closes it)
    try:
        fill(file, {image_id: row for row, image_id in enumerate(ids)})
    except BaseException:
        file.close()
        raise
    return file


def _prepared(
    ids: Sequence[str],
    read: ReadBytes,
    prepare: Callable[[bytes], np.ndarray],
    pool: ThreadPoolExecutor,
) -> Iterator[tuple[str, np.ndarray]]:
    """Each image prepared, in the order asked, a bounded number at a time."""
    found, images = 0, read(ids)
    while chunk := list(islice(images, _DECODED_AT_A_TIME)):
        for (image_id, _), pixels in zip(
            chunk, pool.map(prepare, (data for _, data in chunk)), strict=True
        ):
            if image_id != ids[found]:
                raise DatasetError(f"expected image {ids[found]}, got {image_id}")
            yield image_id, pixels
            found += 1
    if found != len(ids):
        raise DatasetError(
            f"expected {len(ids)} images, the store gave {found}; images may have been "
            "removed since the dataset version was made: make a new one"
        )
