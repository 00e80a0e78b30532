"""The soak: a plant at work, faults at random, and in the end everything is there once.

Every fault comes once, in random order, then at random until the time is over:
VISION_ASSETS_SOAK_S seconds, 90 where it says nothing. VISION_ASSETS_SOAK_SEED gives another order.
"""

import hashlib
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import httpx
import psutil
import pytest

from vision_assets.automation.new_images import ingest_job_name
from vision_assets.automation.retraining import retraining_job_name
from vision_assets.automation.state import UNFINISHED, runs_of
from vision_assets.execution import instance, run_graph
from vision_assets.home import Home
from vision_assets.project import project_file, use_case
from vision_assets.resources.agreement import champion
from vision_assets.resources.tracking import tracking_uri
from vision_assets.serving.deployments import Deployments
from vision_assets.serving.process import free_port
from vision_assets.vision.inference.service.slot import read_slot
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.landing import open_batches, waiting
from vision_assets.vision.use_case import UseCase
from vision_assets_tests.faults.disk import Disk, small_disk
from vision_assets_tests.faults.plant import Camera, Client, Servers, files, kill, wait
from vision_assets_tests.graph.conftest import PARTS_YAML

SOAK_S = float(os.environ.get("VISION_ASSETS_SOAK_S", "90"))
SEED = int(os.environ.get("VISION_ASSETS_SOAK_SEED", "5"))
PAUSE_S = SOAK_S / 30
MOST = int(1.6 * SOAK_S)
"""Images: a machine that is slow with the faults is not left with more than it takes."""
READY_S = 300.0
FOUND_S = 300.0
TRIES = 3
QUIET_S = 900.0
OUTAGE_S = 120.0
"""A worker answers again within a second where the machine is quiet, and `up` within ten."""

pytestmark = [pytest.mark.faults, pytest.mark.timeout(SOAK_S + READY_S + QUIET_S + 1800)]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk | None]:
    """The disk of the home, where this user may mount one."""
    with small_disk(tmp_path / "home", size_mb=400) as made:
        yield made


@pytest.fixture
def deployed(
    disk: Disk | None,
    home: Home,
    write_yaml: Callable[..., Path],
    parts: UseCase,
    monkeypatch: pytest.MonkeyPatch,
) -> UseCase:
    """The use case `parts` with 24 images and a deployment."""
    monkeypatch.setenv("VISION_ASSETS_MIN_FREE_GB", "0.001")  # the disk is small by itself
    text = PARTS_YAML.replace("retrain_after: 4", "retrain_after: 24")
    write_yaml(f"{text}  service: {{port: {free_port()}}}\n")
    landing = home.landing(parts.spec.source.landing)
    for label in ("good", "scratch"):
        (landing / label).mkdir()
    Camera(landing, 0, lambda: 0.5).drop(24)
    assert run_graph("parts", log_level="ERROR")
    return use_case("parts")


class Faults:
    """What is done to a plant at work.

    Attributes:
        outages: when something was done that the endpoint may miss answers for: its own
            processes were killed, or `up` above them.
    """

    def __init__(self, home: Home, case: UseCase, servers: Servers, disk: Disk | None) -> None:
        self._home, self._case, self._servers, self._disk = home, case, servers, disk
        self.outages: list[float] = []
        self.done = Counter[str]()
        kinds = ("daemon", "web server", "code server", "run worker", "mlflow", "endpoint", "up")
        self.all: dict[str, Callable[[], object]] = {
            **{f"kill {kind}": partial(self._kill, kind) for kind in kinds},
            "kill endpoint's worker": self._kill_worker,
            "kill code server and run worker": self._kill_both,
            "lock databases": self._lock_databases,
            "unplug share": self._unplug,
            "second daemon": self._second_daemon,
            "second up": self._second_up,
            **({"fill disk": self._fill} if disk else {}),
        }

    def do(self, name: str) -> bool:
        """Whether there was something to do it to."""
        done = self.all[name]() is not False
        self.done[name] += done
        return done

    def _kill(self, kind: str) -> bool:
        found = self._find(kind)
        if kind in ("endpoint", "up"):
            self.outages.append(time.monotonic())
        killed = bool(found) and kill(found[0])
        if kind == "up":
            self._servers.process.wait()
            self._servers.start()
        return killed

    def _kill_worker(self) -> bool:
        found = self._find("endpoint", at_least=2)
        self.outages.append(time.monotonic())
        return len(found) > 1 and kill(found[-1])

    def _kill_both(self) -> bool:
        both = self._find("run worker") + self._servers.find("code server")[:1]
        return len(both) > 1 and all([kill(process) for process in both])

    def _find(self, kind: str, at_least: int = 1) -> list[psutil.Process]:
        """Wait for the processes of a kind: they may be starting, or no run under way."""
        deadline_s = time.monotonic() + FOUND_S
        while len(found := self._servers.find(kind)) < at_least:
            self._servers.keep()
            if time.monotonic() > deadline_s:
                return []
            time.sleep(0.2)
        return found

    def _lock_databases(self) -> None:
        history = self._home.dagster / "history"
        paths = [history / "runs.db", *history.glob("runs/*.db"), *self._home.mlflow.glob("*.db")]
        connections = [sqlite3.connect(path, timeout=30) for path in paths if path.exists()]
        for connection in connections:
            connection.execute("BEGIN EXCLUSIVE")
        time.sleep(3)
        for connection in connections:
            connection.rollback()
            connection.close()

    def _unplug(self) -> None:
        landing = self._home.landing(self._case.spec.source.landing)
        landing.rename(landing.with_name("unplugged"))
        time.sleep(2)
        landing.with_name("unplugged").rename(landing)

    def _second_daemon(self) -> None:
        workspace = str(project_file("workspace.yaml"))
        command = [sys.executable, "-m", "dagster._daemon", "run", "-w", workspace]
        with subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | self._home.environment(),
        ) as daemon:
            time.sleep(15)
            daemon.terminate()

    def _second_up(self) -> bool:
        if not self._find("daemon"):  # the first may have been killed just now, and not be up
            return False
        ports = ["--dagster-port", str(free_port()), "--mlflow-port", str(free_port())]
        done = subprocess.run(
            [sys.executable, "-m", "vision_assets.cli", "up", *ports],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 1
        assert "run already" in done.stderr
        return True

    def _fill(self) -> None:
        assert self._disk is not None
        self._disk.fill()
        time.sleep(3)
        self._disk.make_room()


def test_after_all_faults_everything_is_there_once(
    home: Home, deployed: UseCase, disk: Disk | None
) -> None:
    print(f"\nsoak of {SOAK_S:.0f} s, VISION_ASSETS_SOAK_SEED={SEED}")
    chance = random.Random(SEED)
    servers = Servers(home)
    faults = Faults(home, deployed, servers, disk)
    landing = home.landing(deployed.spec.source.landing)
    try:
        with Client(deployed) as client:
            wait(lambda: client.answers_since(0), "a first answer", READY_S)
            client.answers.clear()
            with Camera(landing, 1.0, random.Random(SEED + 1).random, MOST) as camera:
                _disturb(faults, chance)
            _wait_until_quiet(home, deployed, servers)
            wait(lambda: client.answers_since(time.monotonic() - 5), "an answer", READY_S)
        _report(client, faults, camera)
        assert {name for name, n in faults.done.items() if n} == set(faults.all)
        _assert_answered(client, faults)
        _assert_agreement(home, deployed)
        _assert_all_once(home, deployed)
        assert _mlflow_statuses(home) <= {"FINISHED", "FAILED", "KILLED"}
    finally:
        servers.stop()


def _disturb(faults: Faults, chance: random.Random) -> None:
    """Each fault once, then any, until the time is over."""
    names, end_s = list(faults.all), time.monotonic() + SOAK_S
    chance.shuffle(names)
    tries = Counter[str]()
    while time.monotonic() < end_s or names:
        name = names.pop() if names else chance.choice(list(faults.all))
        tries[name] += 1
        if not faults.do(name) and tries[name] < TRIES:
            names.insert(0, name)
        time.sleep(PAUSE_S * 2 * chance.random())


def _wait_until_quiet(home: Home, case: UseCase, servers: Servers) -> None:
    """Nothing waits, nothing runs, twice in a row."""
    calm = [0]

    def is_quiet() -> bool:
        servers.keep()
        calm[0] = calm[0] + 1 if _nothing_to_do(home, case) else 0
        return calm[0] >= 10

    wait(is_quiet, "quiet", QUIET_S)


def _nothing_to_do(home: Home, case: UseCase) -> bool:
    store, source = ImageStore.open(home.store(case.name)), case.spec.source
    landing, batches = home.landing(source.landing), home.batches(case.name)
    if waiting(landing, store, source, batches, time.time()) or open_batches(batches, store):
        return False
    with instance(home) as dagster:
        jobs = (ingest_job_name(case), retraining_job_name(case))
        return not any(runs_of(dagster, job, UNFINISHED) for job in jobs)


def _report(client: Client, faults: Faults, camera: Camera) -> None:
    failed = [each for each in client.answers if each.failure is not None]
    print(f"{camera.dropped} images dropped; {len(client.answers)} requests, {len(failed)} failed")
    print("faults:", ", ".join(f"{name} {n}" for name, n in sorted(faults.done.items())))
    for kind, n in Counter(str(each.failure)[:80] for each in failed).most_common(5):
        print(f"  {n} x {kind}")


def _assert_answered(client: Client, faults: Faults) -> None:
    """Requests fail only between the kill of what answers them and the first answer after it."""
    ends = [(began_s, _answered_at(client, began_s)) for began_s in faults.outages]
    unexplained = [
        each
        for each in client.answers
        if each.failure is not None
        and not any(each.ended_s >= began_s and each.began_s <= end for began_s, end in ends)
    ]
    assert unexplained == []
    assert all(end - began_s < OUTAGE_S for began_s, end in ends)


def _answered_at(client: Client, moment_s: float) -> float:
    """When the first request that began after a moment was answered."""
    later = (each for each in client.answers if each.began_s > moment_s and not each.failure)
    return next(later).ended_s


def _assert_agreement(home: Home, case: UseCase) -> None:
    log = Deployments(home.deployments(case.name))
    current = log.current()
    assert current is not None
    assert read_slot(log.slot_path) == current.slot()
    assert champion(home, case.name) == current.model_id
    info = httpx.get(f"http://127.0.0.1:{case.spec.service.port}/info", timeout=60).json()
    assert info["model"]["bundle_id"] == current.bundle_id


def _assert_all_once(home: Home, case: UseCase) -> None:
    store = ImageStore.open(home.store(case.name))
    stored = store.images()["image_id"]
    landed = {_sha256(path) for path in files(home.landing(case.spec.source.landing))}
    refused = store.quarantine()
    assert landed <= {*stored, *refused["image_id"]}
    assert {*refused["reason"]} <= {"empty", "truncated"}  # half written, or for want of room
    assert stored.is_unique
    assert len(store.labels()) == len(stored)
    assert store.annotation_table.count() == len(stored)
    assert len(list(store.read(stored.tolist()))) == len(stored)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _mlflow_statuses(home: Home) -> set[str]:
    path = tracking_uri(home).removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, timeout=60)) as connection:
        return {row[0] for row in connection.execute("SELECT DISTINCT status FROM runs")}
