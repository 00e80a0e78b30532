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
from pathlib import Path

import httpx
import pytest

from vision_assets.assets.runs import UNFINISHED, ingest_job_name, retraining_job_name
from vision_assets.automation.state import runs_of
from vision_assets.execution import instance
from vision_assets.home import Home
from vision_assets.project import use_case
from vision_assets.resources.agreement import champion
from vision_assets.resources.tracking import tracking_uri
from vision_assets.serving.deployments import Deployments
from vision_assets.serving.process import free_port
from vision_assets.vision.inference.service.slot import read_slot
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.landing import open_batches, waiting
from vision_assets.vision.use_case import UseCase
from vision_assets_tests.faults.clock import WallClock, wall_clock
from vision_assets_tests.faults.disk import JournalledDisk, journalled_disk
from vision_assets_tests.faults.injected import Faults
from vision_assets_tests.faults.plant import Camera, Client, Servers, files, wait
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
def disk(tmp_path: Path) -> Iterator[JournalledDisk | None]:
    """The disk of the home, where this user may mount one."""
    with journalled_disk(tmp_path / "home", size_mb=400) as made:
        yield made


@pytest.fixture
def clock(tmp_path: Path) -> WallClock | None:
    """The clock of the servers, where there is a compiler to make it."""
    return wall_clock(tmp_path)


@pytest.fixture
def deployed(
    disk: JournalledDisk | None,
    home: Home,
    write_yaml: Callable[..., Path],
    parts: UseCase,
    monkeypatch: pytest.MonkeyPatch,
) -> UseCase:
    """The use case `parts` with 24 images and a deployment."""
    monkeypatch.setenv("VISION_ASSETS_MIN_FREE_GB", "0.001")  # the disk is small by itself
    text = PARTS_YAML.replace("retrain_after: 4", "retrain_after: 48, cool_down_hours: 0")
    write_yaml(f"{text}  service: {{port: {free_port()}}}\n")
    landing = home.landing(parts.spec.source.landing)
    for label in ("good", "scratch"):
        (landing / label).mkdir()
    Camera(landing, 0, lambda: 0.5).drop(24)
    _run("parts")
    return use_case("parts")


def _run(name: str) -> None:
    """In a process of its own: one that has files of the disk open keeps its power from going."""
    command = [sys.executable, "-m", "vision_assets.cli", "run", name]
    subprocess.run(command, capture_output=True, check=True)


def test_after_all_faults_everything_is_there_once(
    home: Home, deployed: UseCase, disk: JournalledDisk | None, clock: WallClock | None
) -> None:
    print(f"\nsoak of {SOAK_S:.0f} s, VISION_ASSETS_SOAK_SEED={SEED}")
    chance = random.Random(SEED)
    servers = Servers(home, clock.variables if clock else {})
    faults = Faults(home, deployed, servers, disk, clock)
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
    print("left out:", ", ".join(faults.left_out) or "nothing")
    print("faults:", ", ".join(f"{name} {n}" for name, n in sorted(faults.done.items())))
    for each in faults.outages:
        print(f"  {each.fault}: who answered had ended {each.gone_s - each.began_s:.2f} s later")
    for kind, n in Counter(str(each.failure)[:80] for each in failed).most_common(5):
        print(f"  {n} x {kind}")


def _assert_answered(client: Client, faults: Faults) -> None:
    """Requests fail only between the kill of what answers them and the first answer after it."""
    outages = [(each, _answered_at(client, each.gone_s)) for each in faults.outages]
    unexplained = [
        each
        for each in client.answers
        if each.failure is not None
        and not any(each.ended_s >= o.began_s and each.began_s <= end for o, end in outages)
    ]
    assert unexplained == [], f"outages and their ends: {outages}"
    assert [o for o, end in outages if end - o.began_s > OUTAGE_S] == []


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
