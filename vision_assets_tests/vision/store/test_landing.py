"""Which files are taken, when, and in which batches."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from vision_assets.vision.errors import StoreError
from vision_assets.vision.spec import BatchSpec, PipelineSpec, SourceSpec
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.ingest import ingest_all
from vision_assets.vision.store.landed_file import LandedFile
from vision_assets.vision.store.landing import (
    open_batches,
    read_batch,
    settled_files,
    sweep,
    waiting_and_open,
    write_batches,
)

PATIENT = {"settle_s": 5}


@pytest.fixture
def source(landing: Path) -> SourceSpec:
    """Takes a file that has not changed for five seconds."""
    return SourceSpec(landing=str(landing), settle_s=5)


def _paths(landing: Path, source: SourceSpec, later_s: float = 0) -> set[str]:
    found = settled_files(landing, source, time.time() + later_s)
    return {file.path for file in found.values()}


def _files(sizes_bytes: list[int], age_s: float = 0) -> list[LandedFile]:
    modified_ns = int((time.time() - age_s) * 1e9)
    return [LandedFile(f"{i}.jpg", size, modified_ns) for i, size in enumerate(sizes_bytes)]


def test_a_file_is_settled_once_it_has_not_changed_for_a_while(
    landing: Path, source: SourceSpec
) -> None:
    (landing / "a.jpg").write_bytes(b"a")
    assert _paths(landing, source) == set()
    assert _paths(landing, source, later_s=6) == {"a.jpg"}


def test_a_file_with_an_old_time_that_has_just_been_copied_has_not_settled(
    landing: Path, source: SourceSpec
) -> None:
    (landing / "a.jpg").write_bytes(b"a")
    os.utime(landing / "a.jpg", (0, 0))
    assert _paths(landing, source) == set()


def test_a_file_that_grows_is_not_taken(landing: Path, spec: PipelineSpec, tmp_path: Path) -> None:
    source = spec.source.model_copy(update=PATIENT)
    store = ImageStore.open(tmp_path / "store")
    with (landing / "a.jpg").open("ab", buffering=0) as growing:
        for _ in range(3):
            growing.write(b"more")
            assert sweep(landing, store, source, tmp_path / "batches") == []


def test_a_time_far_ahead_does_not_keep_a_file_for_ever(landing: Path, spec: PipelineSpec) -> None:
    (landing / "a.jpg").write_bytes(b"a")
    ahead_s = time.time() + 86400
    os.utime(landing / "a.jpg", (ahead_s, ahead_s))
    assert _paths(landing, spec.source) == {"a.jpg"}


def test_hidden_taken_ignored_and_outer_files_are_left_alone(
    landing: Path, source: SourceSpec, tmp_path: Path
) -> None:
    (tmp_path / "outside.jpg").write_bytes(b"a")
    (landing / "taken").mkdir()
    for name in (".hidden.jpg", "taken/b.jpg", "notes.txt", "c.jpg"):
        (landing / name).write_bytes(b"a")
    (landing / "link.jpg").symlink_to(tmp_path / "outside.jpg")
    ignoring = source.model_copy(update={"ignore": ("*.txt",)})
    assert _paths(landing, ignoring, later_s=6) == {"c.jpg"}


def test_batches_are_bounded_by_number(tmp_path: Path) -> None:
    batches = write_batches(_files([1] * 7), BatchSpec(max_files=3), tmp_path, time.time())
    assert [batch.n_files for batch in batches] == [3, 3]


def test_batches_are_bounded_by_bytes_and_a_larger_file_goes_alone(tmp_path: Path) -> None:
    spec = BatchSpec(max_bytes=10, max_wait_s=0)
    batches = write_batches(_files([4, 4, 4, 25, 1]), spec, tmp_path, time.time())
    sizes = [sum(file.size_bytes for file in batch.files()) for batch in batches]
    assert sorted(sizes) == [1, 4, 8, 25]


def test_a_batch_that_is_not_full_waits_for_its_oldest_file(tmp_path: Path) -> None:
    spec = BatchSpec(max_files=10, max_wait_s=60)
    assert write_batches(_files([1], age_s=10), spec, tmp_path, time.time()) == []
    (batch,) = write_batches(_files([1, 1], age_s=61), spec, tmp_path, time.time())
    assert len(batch.files()) == 2


def test_a_batch_file_that_was_changed_is_refused(tmp_path: Path) -> None:
    (batch,) = write_batches(_files([1]), BatchSpec(max_wait_s=0), tmp_path, time.time() + 1)
    path = tmp_path / f"{batch.batch_id}.json"
    path.write_text(path.read_text().replace("0.jpg", "1.jpg"))
    with pytest.raises(StoreError, match="was changed"):
        read_batch(tmp_path, batch.batch_id)


def test_a_batch_is_open_until_all_its_files_were_taken(
    landing: Path, spec: PipelineSpec, store: ImageStore, tmp_path: Path
) -> None:
    batches = tmp_path / "batches"
    two_a_batch = spec.source.model_copy(update={"batch": BatchSpec(max_files=2)})
    for number in range(6):
        (landing / f"{number}.txt").write_bytes(b"no image %d" % number)
    first, *others = sweep(landing, store, two_a_batch, batches)
    list(ingest_all(store, [first], landing, spec))
    assert waiting_and_open(landing, store, two_a_batch, batches, time.time()) == ([], others)


def test_several_may_look_for_open_batches_at_once(
    landing: Path, spec: PipelineSpec, store: ImageStore, tmp_path: Path
) -> None:
    batches = tmp_path / "batches"
    one_a_batch = spec.source.model_copy(update={"batch": BatchSpec(max_files=1)})
    for number in range(40):
        (landing / f"{number}.txt").write_bytes(b"no image %d" % number)
    list(ingest_all(store, sweep(landing, store, one_a_batch, batches), landing, spec))
    assert len(list(batches.glob("*.json"))) == 40
    with ThreadPoolExecutor(8) as several:
        looks = [several.submit(open_batches, batches, store) for _ in range(8)]
        assert [look.result() for look in looks] == [[]] * 8
