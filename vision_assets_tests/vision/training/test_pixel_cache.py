"""Decoded images are kept, bounded, between trainings and between processes."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from vision_assets.vision.errors import StoreError
from vision_assets.vision.file_lock import file_lock
from vision_assets.vision.inference.decode import decode
from vision_assets.vision.training.pixel_cache import PixelCache
from vision_assets.vision.training.pixels import decoded
from vision_assets_tests.drawing import draw_jpeg
from vision_assets_tests.nobody import without_rights

IMAGE_BYTES = 32 * 32 * 3


class Store:
    """Draws an image for each id, and remembers which were asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def read(self, ids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        self.asked.extend(ids)
        return ((each, draw_jpeg(int(each))) for each in ids)


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def cache(tmp_path) -> PixelCache:
    return PixelCache(tmp_path / "cache")


def pixels(ids: Sequence[str], store: Store, cache: PixelCache, side_px: int = 32) -> np.ndarray:
    with decoded(ids, store.read, side_px, side_px, cache.folder, cache) as found:
        return found[np.arange(len(ids))]


def packs(cache: PixelCache) -> list[str]:
    return [path.name for path in cache.folder.iterdir() if path.is_dir()]


def test_an_image_is_decoded_once(store: Store, cache: PixelCache):
    first = pixels(["3", "1"], store, cache)
    assert np.array_equal(first, [decode(draw_jpeg(n)) for n in (3, 1)])
    assert np.array_equal(pixels(["3", "1"], store, cache), first)
    assert store.asked == ["3", "1"]


def test_of_more_images_only_the_new_ones_are_decoded(store: Store, cache: PixelCache):
    pixels(["1", "2"], store, cache)
    found = pixels(["2", "3", "1"], store, cache)
    assert np.array_equal(found, [decode(draw_jpeg(n)) for n in (2, 3, 1)])
    assert store.asked == ["1", "2", "3"]


def test_another_size_is_decoded_anew(store: Store, cache: PixelCache):
    pixels(["1"], store, cache)
    assert pixels(["1"], store, cache, side_px=16).shape == (1, 16, 16, 3)
    assert store.asked == ["1", "1"]


def test_another_decoder_is_not_believed(store: Store, cache: PixelCache, monkeypatch):
    pixels(["1"], store, cache)
    monkeypatch.setattr("vision_assets.vision.training.pixel_cache._decoder", lambda: "other")
    pixels(["1"], store, cache)
    assert store.asked == ["1", "1"]


@pytest.mark.parametrize("damage", ["flip", "cut", "index", "gone"])
def test_a_damaged_pack_is_made_again(damage: str, store: Store, cache: PixelCache):
    before = pixels(["1", "2"], store, cache)
    folder = cache.folder / packs(cache)[0]
    file = folder / "pixels"
    if damage == "flip":
        file.write_bytes(file.read_bytes()[:-1] + b"\xff")
    if damage == "cut":
        os.truncate(file, IMAGE_BYTES + 7)
    if damage == "index":
        (folder / "index.json").write_text("{")
    if damage == "gone":
        file.unlink()
    assert np.array_equal(pixels(["1", "2"], store, cache), before)


def test_what_was_not_used_for_longest_goes_first(store: Store, tmp_path):
    cache = PixelCache(tmp_path, capacity_bytes=2 * (IMAGE_BYTES + 500))
    for seconds, seed in enumerate("12"):
        known = set(packs(cache))
        pixels([seed], store, cache)
        (made,) = set(packs(cache)) - known
        os.utime(tmp_path / made, (seconds, seconds))
    pixels(["1"], store, cache)
    pixels(["3"], store, cache)
    assert cache.size_bytes() <= cache.capacity_bytes
    pixels(["1"], store, cache)
    assert store.asked == ["1", "2", "3"]
    pixels(["2"], store, cache)
    assert store.asked == ["1", "2", "3", "2"]


def test_more_images_than_it_may_hold_are_still_read(store: Store, tmp_path):
    cache = PixelCache(tmp_path, capacity_bytes=100)
    assert np.array_equal(pixels(["1"], store, cache)[0], decode(draw_jpeg(1)))
    assert cache.size_bytes() == 0


def test_forgotten_images_are_in_no_pack(store: Store, cache: PixelCache):
    pixels(["1", "2"], store, cache)
    pixels(["3"], store, cache)
    cache.forget(["2"])
    assert len(packs(cache)) == 1
    pixels(["3"], store, cache)
    assert store.asked == ["1", "2", "3"]


@pytest.mark.parametrize("index", ["{", "[]", None])
def test_a_pack_of_which_nobody_knows_what_it_shows_is_forgotten(
    index: str | None, store: Store, cache: PixelCache
):
    pixels(["1"], store, cache)
    file = cache.folder / packs(cache)[0] / "index.json"
    file.unlink() if index is None else file.write_text(index)
    cache.forget(["1"])
    assert packs(cache) == []


def test_a_pack_that_cannot_be_removed_is_told(store: Store):
    with TemporaryDirectory() as place:
        Path(place).chmod(0o777)
        cache = PixelCache(Path(place))
        pixels(["1"], store, cache)
        (pack,) = packs(cache)
        (cache.folder / pack).chmod(0o555)
        with without_rights(), pytest.raises(StoreError, match=f"{pack} may show erased images"):
            cache.forget(["1"])
        (cache.folder / pack).chmod(0o755)
        cache.forget(["1"])
        assert packs(cache) == []


def test_images_that_are_forgotten_while_a_pack_is_made_do_not_stay(cache: PixelCache):
    def read(ids):
        cache.forget(["1"])
        return ((each, draw_jpeg(int(each))) for each in ids)

    with decoded(["1"], read, 32, 32, cache.folder, cache) as found:
        assert len(found[np.arange(1)]) == 1
    assert packs(cache) == []


def test_an_image_that_cannot_be_had_leaves_no_pack(cache: PixelCache):
    with (
        pytest.raises(Exception, match="expected 1 images"),
        decoded(["1"], lambda ids: iter(()), 8, 8, cache.folder, cache),
    ):
        pass
    assert packs(cache) == []


@pytest.mark.parametrize("by", ["training", "forgetting"])
def test_what_a_killed_process_left_is_swept(by: str, store: Store, cache: PixelCache):
    left = cache.folder / ".32x32-decoder-digest-half"
    left.mkdir(parents=True)
    pixels(["1"], store, cache) if by == "training" else cache.forget(["1"])
    assert not left.exists()


def test_what_a_living_process_writes_is_not_swept(store: Store, cache: PixelCache):
    written = cache.folder / ".32x32-decoder-digest-half"
    written.mkdir(parents=True)
    with file_lock(cache.folder / "32x32-decoder-digest.lock", wait_s=0):
        pixels(["1"], store, cache)
    assert written.exists()


def test_two_processes_decode_together_once(cache: PixelCache):
    script = f"""
import sys, time
from pathlib import Path
from vision_assets.vision.training.pixel_cache import PixelCache
from vision_assets.vision.training.pixels import decoded
from vision_assets_tests.drawing import draw_jpeg
def read(ids):
    for each in ids:
        print(each, flush=True)
        time.sleep(0.02)
        yield each, draw_jpeg(int(each))
folder = Path({str(cache.folder)!r})
with decoded([str(n) for n in range(20)], read, 32, 32, folder, PixelCache(folder)) as found:
    assert len(found) == 20
"""
    started = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) for _ in "ab"
    ]
    outputs = [process.communicate(timeout=60)[0].split() for process in started]
    assert [process.returncode for process in started] == [0, 0]
    assert sum(map(len, outputs)) == 20
