"""The images of a training, decoded and resized once, in a file instead of memory."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import groupby, islice
from pathlib import Path
from typing import BinaryIO

import numpy as np

from vision_assets.vision.errors import DatasetError
from vision_assets.vision.inference.decode import STORED, decode
from vision_assets.vision.inference.resize import resize
from vision_assets.vision.training.pixel_cache import PixelCache
from vision_assets.vision.training.pixel_file import Pixels, checksum, write_image
from vision_assets.vision.training.views import split_key

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
    threads: int = 1,
) -> Iterator[Pixels]:
    """Decode and resize views of images into a file that is open as long as the block runs.

    Without a cache the file has no name: it is gone with the process, however that ends.

    Args:
        ids: image ids, or keys of views as `training.views` makes them, in the order in which
            their pixels are wanted; views of one image follow each other.
        read: gives the bytes of each.
        height_px: height of the result.
        width_px: width of the result.
        folder: on the disk that takes the pixels where there is no cache.
        cache: keeps them for the next training.
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

            def prepare(item: tuple[list[str], bytes]) -> list[np.ndarray]:
                keys, data = item
                pixels = decode(data, STORED)
                return [_view(pixels, key, height_px, width_px) for key in keys]

            checksums = {}
            for key, pixels in _prepared(list(missing), read, prepare, pool):
                write_image(file, missing[key], pixels)
                checksums[key] = checksum(pixels)
        return checksums

    with _opened(ids, (height_px, width_px), fill, folder, cache) as file:
        yield Pixels(file, height_px, width_px, range(len(ids)))


def _image_id(key: str) -> str:
    return split_key(key)[0]


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


def _view(pixels: np.ndarray, key: str, height_px: int, width_px: int) -> np.ndarray:
    _, window = split_key(key)
    return resize(pixels if window is None else window.of(pixels), height_px, width_px)


def _prepared(
    keys: Sequence[str],
    read: ReadBytes,
    prepare: Callable[[tuple[list[str], bytes]], list[np.ndarray]],
    pool: ThreadPoolExecutor,
) -> Iterator[tuple[str, np.ndarray]]:
    """Each view prepared, in the order asked, a bounded number of images at a time."""
    wanted = [(image_id, list(group)) for image_id, group in groupby(keys, _image_id)]
    ids = [image_id for image_id, _ in wanted]
    found, images = 0, read(ids)
    while chunk := list(islice(images, _DECODED_AT_A_TIME)):
        of_chunk = wanted[found : found + len(chunk)]
        for (image_id, _), (expected, _) in zip(chunk, of_chunk, strict=True):
            if image_id != expected:
                raise DatasetError(f"expected image {expected}, got {image_id}")
        items = [(views, data) for (_, views), (_, data) in zip(of_chunk, chunk, strict=True)]
        for (views, _), made in zip(items, pool.map(prepare, items), strict=True):
            yield from zip(views, made, strict=True)
        found += len(chunk)
    if found != len(ids):
        raise DatasetError(
            f"expected {len(ids)} images, the store gave {found}; images may have been "
            "removed since the dataset version was made: make a new one"
        )
