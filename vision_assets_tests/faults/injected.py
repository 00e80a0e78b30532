"""What the soak does to a plant at work."""

import hashlib
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

import dagster as dg
import psutil

from vision_assets.assets.raw_images import BATCH_TAG
from vision_assets.assets.runs import ingest_job_name
from vision_assets.execution import instance
from vision_assets.home import Home
from vision_assets.project import project_file
from vision_assets.serving.deployments import Deployments
from vision_assets.serving.process import free_port
from vision_assets.vision.atomic import sync_folder
from vision_assets.vision.inference.service.slot import read_slot
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.use_case import UseCase
from vision_assets_tests.faults.clock import WallClock
from vision_assets_tests.faults.disk import Disk, JournalledDisk
from vision_assets_tests.faults.plant import Servers, kill

FOUND_S = 300.0
GONE_S = 60.0
HOUR_S = 3600
T = TypeVar("T")


@dataclass(frozen=True)
class Outage:
    """Something was done that the endpoint may miss answers for; times by the monotonic clock.

    Attributes:
        fault: its own processes were killed, or `up` above them.
        began_s: when.
        gone_s: when those that answered had ended, until when they may have answered on.
    """

    fault: str
    began_s: float
    gone_s: float


class Faults:
    """Each by its name.

    Args:
        home: of the plant.
        case: its use case.
        servers: its processes.
        disk: of the home; None: one that can neither be filled nor lose its power.
        clock: of the processes; None: the machine's, which is left alone.

    Attributes:
        all: what can be done here.
        left_out: what cannot.
        done: how often each was done.
        outages: of the endpoint, one after the other.
    """

    def __init__(
        self,
        home: Home,
        case: UseCase,
        servers: Servers,
        disk: JournalledDisk | None,
        clock: WallClock | None,
    ) -> None:
        self._home, self._case, self._servers = home, case, servers
        self.outages: list[Outage] = []
        self.done = Counter[str]()
        kinds = ("daemon", "web server", "code server", "run worker", "mlflow")
        self.all: dict[str, Callable[[], object]] = {
            **{f"kill {kind}": partial(self._kill, kind) for kind in kinds},
            "kill up": self._kill_up,
            "kill endpoint": self._kill_endpoint,
            "kill endpoint's worker": self._kill_worker,
            "kill code server and run worker": self._kill_both,
            "lock databases": self._lock_databases,
            "unplug share": self._unplug,
            "second daemon": self._second_daemon,
            "second up": self._second_up,
        }
        self.left_out: list[str] = []
        self._add(disk, {"fill disk": _fill, "cut power": self._cut_power})
        self._add(clock, {"set clock forward": _set_forward, "set clock back": _set_back})

    def _add(self, part: T | None, faults: dict[str, Callable[[T], object]]) -> None:
        """Faults of a part that is not there on every machine."""
        if part is None:
            self.left_out += faults
        else:
            self.all |= {name: partial(fault, part) for name, fault in faults.items()}

    def do(self, name: str) -> bool:
        """Whether there was something to do it to."""
        print(f"{datetime.now():%H:%M:%S} {name}")
        done = self.all[name]() is not False
        self.done[name] += done
        return done

    def _kill(self, kind: str) -> bool:
        found = self._find(kind)
        return bool(found) and kill(found[0])

    def _kill_endpoint(self) -> bool:
        found = self._find("endpoint")
        with self._outage("kill endpoint", found):
            return bool(found) and kill(found[0])

    def _kill_worker(self) -> bool:
        found = self._find("endpoint", at_least=2)
        with self._outage("kill endpoint's worker", found[-1:]):
            return bool(found) and kill(found[-1])

    def _kill_up(self) -> None:
        with self._outage("kill up", self._servers.find("endpoint")):
            self._servers.process.kill()
            self._servers.process.wait()
            self._servers.start()

    @contextmanager
    def _outage(self, fault: str, ending: list[psutil.Process]) -> Iterator[None]:
        """What is done meanwhile ends these processes, at once or after what they are at."""
        began_s = time.monotonic()
        yield
        _, left = psutil.wait_procs(ending, timeout=GONE_S)
        assert not left, f"{fault}: {left} did not end within {GONE_S:.0f} s"
        self.outages.append(Outage(fault, began_s, time.monotonic()))

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
        sync_folder(landing.parent)  # a power cut does not unplug it again

    def _second_daemon(self) -> None:
        workspace = str(project_file("workspace.yaml"))
        command = [sys.executable, "-m", "dagster._daemon", "run", "-w", workspace]
        with subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=self._servers.environment | self._home.environment(),
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
            env=self._servers.environment,
        )
        assert done.returncode == 1
        assert "run already" in done.stderr
        return True

    def _cut_power(self, disk: JournalledDisk) -> None:
        """What was said to be done is there when the power is back, before anything is mended."""
        images, deployed = self._stored(), self._deployment_in_slot()
        with self._outage("cut power", []):
            disk.lose_power()
            self._servers.kill_all()
        disk.regain_power()
        store = ImageStore.open(self._home.store(self._case.name))
        assert {hashlib.sha256(data).hexdigest() for _, data in store.read(images)} == {*images}
        assert self._last_deployment() >= deployed
        self._servers.start()

    def _stored(self) -> list[str]:
        """Images that ingests have taken whose runs are finished."""
        finished = dg.RunsFilter(
            job_name=ingest_job_name(self._case), statuses=[dg.DagsterRunStatus.SUCCESS]
        )
        with instance(self._home) as dagster:
            batches = {run.tags.get(BATCH_TAG, "") for run in dagster.get_runs(finished)}
        ledger = ImageStore.open(self._home.store(self._case.name)).ledger
        found = ledger.lookup("batch_id", sorted(batches), ["image_id", "status"]).to_pylist()
        return sorted({entry["image_id"] for entry in found if entry["status"] == "accepted"})

    def _deployment_in_slot(self) -> int:
        slot = read_slot(Deployments(self._home.deployments(self._case.name)).slot_path)
        return slot.sequence if slot else 0

    def _last_deployment(self) -> int:
        current = Deployments(self._home.deployments(self._case.name)).current()
        return current.sequence if current else 0


def _fill(disk: Disk) -> None:
    disk.fill()
    time.sleep(3)
    disk.make_room()


def _set_forward(clock: WallClock) -> None:
    clock.step(HOUR_S)


def _set_back(clock: WallClock) -> None:
    clock.step(-HOUR_S)
