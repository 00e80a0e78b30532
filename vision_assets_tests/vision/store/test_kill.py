"""kill -9 during ingest, and two ingests at once: nothing is lost, nothing is twice."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from vision_assets.vision.spec import PipelineSpec
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.reading_process import WORKER
from vision_assets_tests.drawing import CLASSES, draw_jpeg
from vision_assets_tests.vision.store.conftest import Take

N_IMAGES = 600
MOMENTS_S = (0.02, 0.1, 0.2, 0.3, 0.45)
INGEST = """
import sys
from pathlib import Path
from vision_assets.vision.spec import PipelineSpec
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.ingest import ingest
from vision_assets.vision.store.landing import sweep
spec = PipelineSpec.model_validate_json(sys.argv[1])
landing, store = Path(spec.source.landing), ImageStore.open(Path(sys.argv[2]))
import lance
print("ready", flush=True)
for batch in sweep(landing, store, spec.source, Path(sys.argv[3])):
    ingest(store, batch, landing, spec)
"""


@pytest.mark.slow
def test_nothing_is_lost_and_nothing_is_twice(
    take: Take, landing: Path, store: ImageStore, spec: PipelineSpec, tmp_path: Path
) -> None:
    _drop(landing)
    command = [sys.executable, "-c", INGEST, spec.model_dump_json(), str(store.root)]
    killed = 0
    for moment_s in MOMENTS_S:
        process = subprocess.Popen(
            [*command, str(tmp_path / "batches")], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(moment_s)
        process.kill()
        killed += process.wait() == -signal.SIGKILL
        process.stdout.close()
    take()
    assert killed > 0
    _assert_each_image_once(store)
    _assert_no_worker_outlives(landing)


@pytest.mark.slow
def test_two_at_once_store_each_image_once(
    landing: Path, store: ImageStore, spec: PipelineSpec, tmp_path: Path
) -> None:
    _drop(landing)
    arguments = [spec.model_dump_json(), str(store.root), str(tmp_path / "batches")]
    writers = [subprocess.Popen([sys.executable, "-c", INGEST, *arguments]) for _ in range(2)]
    assert [writer.wait() for writer in writers] == [0, 0]
    _assert_each_image_once(store)


def _drop(landing: Path) -> None:
    for index in range(N_IMAGES):
        label = CLASSES[index % 3]
        (landing / label).mkdir(exist_ok=True)
        (landing / label / f"{index}.jpg").write_bytes(draw_jpeg(index, label))


def _assert_no_worker_outlives(landing: Path, wait_s: float = 10) -> None:
    """The processes that read for a killed ingest end by themselves."""
    deadline = time.monotonic() + wait_s
    while left := [p for p in psutil.process_iter(["cmdline"]) if _reads(p, landing)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


def _reads(process: psutil.Process, landing: Path) -> bool:
    command = process.info["cmdline"] or []
    return WORKER in command and str(landing) in command


def _assert_each_image_once(store: ImageStore) -> None:
    images = store.images()
    assert len(images) == images["image_id"].nunique() == N_IMAGES
    assert len(store.labels()) == N_IMAGES
    assert len(store.quarantine()) == 0
