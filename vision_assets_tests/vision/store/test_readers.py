"""Processes that read: the same findings as here, and what becomes of an ingest when one dies."""

from pathlib import Path

import psutil
import pytest

from vision_assets.vision.errors import StoreError
from vision_assets.vision.inference.decode import Limits
from vision_assets.vision.spec import PipelineSpec
from vision_assets.vision.store import readers
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.ingest import ingest_all
from vision_assets.vision.store.landed_file import LandedFile
from vision_assets.vision.store.landing import sweep
from vision_assets.vision.store.reading import FileRead, read_files
from vision_assets.vision.store.reading_process import WORKER, ReadingProcess
from vision_assets.vision.store.reading_work import ReadingWork
from vision_assets_tests.drawing import CLASSES, draw_jpeg
from vision_assets_tests.vision.store.conftest import Take
from vision_assets_tests.vision.store.test_ingest import ACCEPTED, REFUSED

N_IMAGES = 60
MAX_BYTES = 100_000


@pytest.fixture
def files(landing: Path) -> list[LandedFile]:
    """One of every kind: taken, refused, too long, changed, gone, no file, an odd name."""
    odd = b"caf\xe9.jpg".decode("utf-8", "surrogateescape")
    contents = {**ACCEPTED, **REFUSED, "long": bytes(MAX_BYTES + 1), odd: draw_jpeg(0)}
    for name, data in contents.items():
        (landing / name).write_bytes(data)
    found = [_landed(landing, name) for name in contents]
    (landing / "loop").symlink_to(landing / "loop")
    there = _landed(landing, "grey")
    changed = LandedFile("RGBA", there.size_bytes + 1, there.modified_ns)
    return [*found, changed, LandedFile("gone", 1, 1), LandedFile("loop", 1, 1)]


@pytest.fixture
def two_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three cores, and batches of any size are worth a process."""
    monkeypatch.setattr(readers, "FILES_A_PROCESS", 1)
    monkeypatch.setattr("os.cpu_count", lambda: 3)


def test_a_process_finds_what_is_found_here(landing: Path, files: list[LandedFile]) -> None:
    limits, work = Limits(max_bytes=MAX_BYTES), ReadingWork(files)
    with ReadingProcess(landing, limits) as process:
        process.read(work)
    here = read_files(landing, files, limits)
    assert list(map(_comparable, work.found())) == list(map(_comparable, here))


def test_a_path_out_of_the_landing_folder_ends_the_reading(landing: Path) -> None:
    work = ReadingWork([LandedFile("../secret.jpg", 1, 1)])
    with ReadingProcess(landing, Limits()) as process, pytest.raises(StoreError, match="below"):
        process.read(work)


@pytest.mark.usefixtures("two_processes")
def test_with_processes_every_file_is_taken_in_its_order(take: Take, store: ImageStore) -> None:
    outcomes = take(_images())
    assert {str(outcome.status) for outcome in outcomes.values()} == {"accepted"}
    assert store.images()["source"].tolist() == sorted(_images())


@pytest.mark.usefixtures("two_processes")
def test_a_killed_process_is_told_and_the_next_try_completes(
    landing: Path, store: ImageStore, spec: PipelineSpec, tmp_path: Path, take: Take
) -> None:
    by_tens = spec.source.model_copy(
        update={"batch": spec.source.batch.model_copy(update={"max_files": 10})}
    )
    _drop(landing)
    batches = sweep(landing, store, by_tens, tmp_path / "batches")
    with pytest.raises(StoreError, match=r"examined \d+ files.*by SIGKILL.*run it again"):
        list(ingest_all(store, batches, landing, spec, _kill_a_reader_at(20)))
    assert 20 <= len(store.images()) < N_IMAGES
    take()
    images = store.images()
    assert len(images) == images["image_id"].nunique() == len(store.labels()) == N_IMAGES


@pytest.mark.usefixtures("two_processes")
def test_no_process_is_left(take: Take) -> None:
    before = set(psutil.Process().children())  # other tests may have left some
    take(_images())
    assert set(psutil.Process().children()) <= before


def _kill_a_reader_at(n_done: int):
    killed: list[psutil.Process] = []

    def on_progress(done: int, _: int) -> None:
        if done == n_done and not killed:
            killed.append(_reading()[0])
            killed[0].kill()

    return on_progress


def _reading() -> list[psutil.Process]:
    """Children of this process that read; other tests may have left some that do not."""
    return [child for child in psutil.Process().children() if WORKER in _command(child)]


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return []  # it has ended


def _images() -> dict[str, bytes]:
    labels = [CLASSES[index % 3] for index in range(N_IMAGES)]
    return {f"{label}/{i}.jpg": draw_jpeg(i, label) for i, label in enumerate(labels)}


def _drop(landing: Path) -> None:
    for path, data in _images().items():
        (landing / path).parent.mkdir(exist_ok=True)
        (landing / path).write_bytes(data)


def _landed(landing: Path, name: str) -> LandedFile:
    state = (landing / name).stat()
    return LandedFile(name, state.st_size, state.st_mtime_ns)


def _comparable(read: FileRead) -> tuple[object, ...]:
    """Errors are equal where they are of one class and say the same."""
    found = read.found
    told = (type(found), str(found)) if isinstance(found, Exception) else found
    return read.file, read.missing, read.image_id, read.data, told
