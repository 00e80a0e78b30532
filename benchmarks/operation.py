"""Workers that measure what it costs to stand by: ticks, many use cases, idle servers."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.work import Figures

if TYPE_CHECKING:
    import dagster as dg

    from vision_assets.home import Home

CALM_S, MEASURED_S, READY_S = 30.0, 60.0, 300.0
_IMAGE_BYTES, _ROWS_A_WRITE, _IMAGES_A_CASE = 20_000, 500, 500
EMPTY_PROJECT = "import dagster as dg\n\ndefs = dg.Definitions()\n"


def prepare(worker: str, folder: Path, n: int) -> None:
    """Files that wait, or a store of n images."""
    if worker in ("backup", "copy"):
        _fill_store(_project(folder / f"kept-{n}", 1), "case_0", n)
    if worker == "ticks":
        home = _project(folder / f"ticks-{n}", n)
        for number in range(n):
            _fill_store(home, f"case_{number}", _IMAGES_A_CASE)
    if worker not in ("tick", "listing"):
        return
    home = _project(folder / f"waiting-{n}", 1)
    landing = home.landing("landing/case_0/ok")
    if not landing.exists():
        landing.mkdir(parents=True)
        for index in range(n):
            (landing / f"{index:06d}.jpg").touch()


def tick(folder: Path, n: int) -> Figures:
    """The first tick of the sensor that finds n files, with its batch files.

    The daemon's second tick and all later ones have imported what they need.
    """
    import dagster as dg

    from vision_assets.automation.new_images import new_images
    from vision_assets.project import use_case
    from vision_assets.resources.home import HomeResource
    from vision_assets.vision.store import landing as _  # noqa: F401 (the daemon has it)

    home = _project(folder / f"waiting-{n}", 1)
    shutil.rmtree(home.batches("case_0"), ignore_errors=True)
    sensor = new_images(use_case("case_0"))
    with (
        dg.DagsterInstance.ephemeral() as instance,
        dg.build_sensor_context(instance, resources={"home": HomeResource()}) as context,
    ):
        began = time.perf_counter()
        requests = sensor.evaluate_tick(context).run_requests
        seconds = time.perf_counter() - began
    if not requests:
        sys.exit("nothing was requested")
    return {"seconds": seconds}


def ticks(folder: Path, n: int) -> Figures:
    """The second look of every sensor of n use cases, in which nothing is new."""
    import dagster as dg

    from vision_assets.definitions import defs
    from vision_assets.execution import instance

    home = _project(folder / f"ticks-{n}", n)
    sensors = [each for each in defs().sensors or () if type(each) is dg.SensorDefinition]
    cursors: dict[str, str | None] = {}
    seconds = 0.0
    with instance(home) as dagster:
        for _ in range(2):
            began = time.perf_counter()
            for sensor in sensors:
                cursors[sensor.name] = _look(sensor, dagster, cursors.get(sensor.name))
            seconds = time.perf_counter() - began
    return {"seconds": seconds}


def _look(
    sensor: "dg.SensorDefinition", dagster: "dg.DagsterInstance", cursor: str | None
) -> str | None:
    """One tick; the cursor that it leaves."""
    import dagster as dg

    from vision_assets.resources.home import HomeResource

    with dg.build_sensor_context(
        dagster, cursor=cursor, resources={"home": HomeResource()}
    ) as context:
        data = sensor.evaluate_tick(context)
    if data.run_requests:
        sys.exit(f"{sensor.name} requested a run: something was new")
    return data.cursor


def listing(folder: Path, n: int) -> Figures:
    """Names, sizes and times of the same files."""
    home = _project(folder / f"waiting-{n}", 1)
    began = time.perf_counter()
    found = {
        os.path.join(root, name): os.stat(os.path.join(root, name))
        for root, _, names in os.walk(home.landing("landing/case_0"))
        for name in names
    }
    seconds = time.perf_counter() - began
    if len(found) != n:
        sys.exit(f"expected {n} files, found {len(found)}")
    return {"seconds": seconds}


def use_cases(folder: Path, n: int) -> Figures:
    """From nothing to the repository that Dagster asks for, and the memory that it takes."""
    began = time.perf_counter()
    _project(folder / f"cases-{n}", n)  # imports Dagster; its files take milliseconds
    from vision_assets.definitions import defs

    defs().get_repository_def()
    seconds = time.perf_counter() - began
    import psutil

    return {"seconds": seconds, "memory_mb": psutil.Process().memory_info().rss / 1e6}


def backup(folder: Path, n: int) -> Figures:
    """`vision-assets backup` of a home with n images, the first one."""
    _project(folder / f"kept-{n}", 1)
    command = [sys.executable, "-m", "vision_assets.cli", "backup", str(folder / "backups")]
    return _copied(command, folder / f"kept-{n}/home", folder / "backups")


def copy(folder: Path, n: int) -> Figures:
    """The same files by `cp -r`."""
    home = folder / f"kept-{n}/home"
    return _copied(["cp", "-r", str(home), str(folder / "copied")], home, folder / "copied")


def _copied(command: list[str], home: Path, target: Path) -> Figures:
    """Bytes of the home over the time until all that was written is on disk."""
    shutil.rmtree(target, ignore_errors=True)
    os.sync()
    size_mb = sum(path.stat().st_size for path in home.rglob("*") if path.is_file()) / 1e6
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    os.sync()
    return {"mb_per_s": size_mb / (time.perf_counter() - began)}


def _fill_store(home: "Home", use_case: str, n: int) -> None:
    """n images of random bytes, which nothing compresses, in a store."""
    from vision_assets.vision.store.image_store import ImageStore
    from vision_assets.vision.store.records import ImageRecord

    store = ImageStore.open(home.store(use_case))
    with store.writing():
        for first in range(store.image_table.count(), n, _ROWS_A_WRITE):
            rows = range(first, min(n, first + _ROWS_A_WRITE))
            store.image_table.append([ImageRecord(**_record(row)) for row in rows])


def _record(number: int) -> dict[str, Any]:
    return {
        "image_id": f"{number:064x}",
        "source": f"{number}.jpg",
        "batch_id": "0" * 16,
        "received_at": datetime.now(UTC),
        **{"format": "JPEG", "mode": "RGB", "orientation": 1, "width": 200, "height": 200},
        **{"brightness": 0.5, "contrast": 0.5, "sharpness": 0.5, "phash": number},
        **{"size_bytes": _IMAGE_BYTES, "given_split": None, "attributes": "{}"},
        "bytes": os.urandom(_IMAGE_BYTES),
    }


def idle(folder: Path, n: int) -> Figures:
    """Cores that `vision-assets up` takes while nothing happens in n use cases."""
    from vision_assets.serving.process import free_port

    _project(folder / f"idle-{n}", n)
    ports = ["--dagster-port", str(free_port()), "--mlflow-port", str(free_port())]
    with _running([sys.executable, "-m", "vision_assets.cli", "up", *ports], folder) as process:
        return _cores([process], int(ports[1]))


def idle_plain(folder: Path, _n: int) -> Figures:
    """Cores that `dagster dev` with an empty project and `mlflow server` take."""
    from vision_assets.serving.process import free_port

    shutil.rmtree(folder / "plain", ignore_errors=True)
    (folder / "plain").mkdir()
    (folder / "plain/empty.py").write_text(EMPTY_PROJECT)
    os.environ["DAGSTER_HOME"] = str(folder / "plain")
    ports, python = (free_port(), free_port()), (sys.executable, "-m")
    dagster = [*python, "dagster", "dev", "-f", "empty.py", "-p", str(ports[0])]
    mlflow = [*python, "mlflow", "server", "-w", "1", "--port", str(ports[1])]
    with (
        _running(dagster, folder / "plain") as first,
        _running(
            [*mlflow, "--backend-store-uri", "sqlite:///mlflow.db"], folder / "plain"
        ) as second,
    ):
        return _cores([first, second], ports[0])


def _project(folder: Path, n: int) -> "Home":
    """A home and n use cases without images."""
    from vision_assets.home import HOME_VARIABLE, Home
    from vision_assets.project import DEFS_VARIABLE

    for number in range(n):
        name = f"case_{number}"
        path = folder / "defs" / name / "defs.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        (folder / "home/landing" / name).mkdir(parents=True, exist_ok=True)
        attributes = {
            "source": {"landing": f"landing/{name}", "settle_s": 0, "batch": {"max_wait_s": 0}},
            "service": {"port": 3100 + number},
        }
        document = {"type": "vision_assets.ClassificationPipeline", "attributes": attributes}
        path.write_text(json.dumps(document))
    os.environ |= {HOME_VARIABLE: str(folder / "home"), DEFS_VARIABLE: str(folder / "defs")}
    return Home.from_environment()


@contextmanager
def _running(command: list[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process with all that it starts; ended with the block."""
    with (folder / "servers.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=os.environ)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


def _cores(processes: list[subprocess.Popen[bytes]], port: int) -> Figures:
    """Processor time per second of the processes and all below them, once they are calm."""
    deadline = time.monotonic() + READY_S
    while not _answers(port):
        if time.monotonic() > deadline:
            sys.exit("the servers did not answer")
        time.sleep(1)
    time.sleep(CALM_S)
    before, began = _times(processes), time.monotonic()
    time.sleep(MEASURED_S)
    after, seconds = _times(processes), time.monotonic() - began
    memory_mb = sum(memory for _, memory in after.values())
    used = sum(spent - before.get(pid, (0.0, 0.0))[0] for pid, (spent, _) in after.items())
    return {"cores": used / seconds, "memory_mb": memory_mb, "processes": len(after)}


def _answers(port: int) -> bool:
    import httpx

    try:
        return httpx.get(f"http://127.0.0.1:{port}/", timeout=5, trust_env=False).is_success
    except httpx.TransportError:
        return False


def _times(processes: list[subprocess.Popen[bytes]]) -> dict[int, tuple[float, float]]:
    """Processor seconds and resident memory (MB) by process."""
    import psutil

    found = {}
    for process in processes:
        top = psutil.Process(process.pid)
        for each in (top, *top.children(recursive=True)):
            times = each.cpu_times()
            found[each.pid] = (times.user + times.system, each.memory_info().rss / 1e6)
    return found
