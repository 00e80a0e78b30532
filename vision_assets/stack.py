"""The servers of one home, as child processes: Dagster, MLflow and an endpoint per use case.

    up ─┬─ dagster dev       UI, daemon, code location
        ├─ mlflow server     UI over the tracking database
        └─ endpoint          one for each use case, once it has a deployment

A child that ends is started again after a growing wait, and says so; what it has left behind
is killed first, and runs that died with Dagster are marked failed, so that they are tried again.
All listen on 127.0.0.1; output goes to `<home>/logs/`.
"""

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial

from vision_assets.child import Child, Say
from vision_assets.code_server import CodeServerWatch
from vision_assets.execution import (
    bound_pools,
    fail_interrupted_runs,
    link_instance_config,
    wake_sensors,
)
from vision_assets.home import Home
from vision_assets.keeping.only_one import only_one
from vision_assets.project import broken_use_cases, project_file, use_case, use_cases
from vision_assets.resources.agreement import agree
from vision_assets.resources.tracking import prepare, tracking_uri
from vision_assets.serving.deployments import Deployments
from vision_assets.serving.process import ending_with_parent
from vision_assets.vision.errors import ServiceError, VisionAssetsError
from vision_assets.vision.use_case import UseCase

HOST = "127.0.0.1"
STOP_WAIT_S = 15.0
_CLOCK_STEP_S = 60.0
"""So long a rest does no harm."""


@dataclass(frozen=True)
class Ports:
    """Where the servers listen."""

    dagster: int = 3000
    mlflow: int = 5000


class Stack:
    """The servers of one home; a context manager that stops what it has started."""

    def __init__(self, home: Home, ports: Ports = Ports(), say: Say = print) -> None:
        self.home = home
        self.ports = ports
        self._say_aloud = say
        self.children: dict[str, Child] = {}
        self._told: set[str] = set()
        self._bounded: set[str] = set()
        self._alone = ExitStack()
        self._clock_s = 0.0
        self._code_server = CodeServerWatch()

    def __enter__(self) -> "Stack":
        self._alone.enter_context(only_one(self.home.root))
        try:
            return self._begin()
        except BaseException:
            self.__exit__()
            raise

    def _begin(self) -> "Stack":
        for port in (self.ports.dagster, self.ports.mlflow):
            _refuse_taken(port)
        os.environ.update(self.home.environment())
        link_instance_config(self.home)
        prepare(self.home)
        self._bound_pools()
        for case in use_cases().values():
            self._agree(case)
        self._start(self._dagster())
        self._start(self._mlflow())
        return self

    def __exit__(self, *_: object) -> None:
        for child in self.children.values():
            child.signal(signal.SIGTERM)
        deadline_s = time.monotonic() + STOP_WAIT_S
        for child in self.children.values():
            child.join(deadline_s)
        self._alone.close()

    def tick(self) -> None:
        """Start endpoints of new deployments, revive what has ended, tell what is wrong.

        What fails is told once and tried again at the next look.
        """
        with self._going_on("clock"):
            self._heed_the_clock()
        with self._going_on("use cases"):
            self._heed_use_cases()
        for name, child in self.children.items():
            with self._going_on(name):
                child.revive(self.say)
        with self._going_on("dagster"):
            self._mend_dagster()

    @contextmanager
    def _going_on(self, what: str) -> Iterator[None]:
        """Tell what fails, and go on with all else."""
        try:
            yield
        except VisionAssetsError as error:
            self._tell_once(f"{what}: {error}; what runs goes on")
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not end the endpoints
            first_line = str(error).partition("\n")[0]
            self._tell_once(f"{what}: {type(error).__name__}: {first_line}; what runs goes on")

    def _heed_use_cases(self) -> None:
        for name, error in broken_use_cases().items():
            self._tell_once(f"{name} does not load, all others do: {error}")
        with self._going_on("runs at a time"):
            self._bound_pools()
        for name, case in use_cases().items():
            with self._going_on(name):
                self._follow(case)

    def _mend_dagster(self) -> None:
        """End Dagster where its code server has died: it would not start one again by itself."""
        dagster = self.children.get("dagster")
        if dagster is not None and self._code_server.has_lost_it(dagster):
            self.say("the code server of Dagster has died; Dagster is started again")
            dagster.signal(signal.SIGKILL)

    def _bound_pools(self) -> None:
        """Bound what runs at a time of each use case before its first run."""
        new = [case for name, case in use_cases().items() if name not in self._bounded]
        if new:
            bound_pools(self.home, new)
            self._bounded.update(case.name for case in new)

    def _follow(self, use_case: UseCase) -> None:
        """Start the endpoint of a use case once it is deployed; mend a slot that lags behind."""
        deployments = Deployments(self.home.deployments(use_case.name))
        if not deployments.slot_agrees():
            self._agree(use_case)
        if deployments.current() is not None and endpoint_name(use_case) not in self.children:
            self._start(self._endpoint(use_case))

    def _agree(self, use_case: UseCase) -> None:
        """Mend what a deployment that was killed has left behind; a damaged log is told."""
        try:
            repaired = agree(self.home, use_case.name)
        except VisionAssetsError as error:
            repaired = [str(error)]
        for each in repaired:
            self._tell_once(f"{use_case.name}: {each}")

    def _heed_the_clock(self) -> None:
        """Start Dagster again when the clock was set back, by a person or a time server.

        It counts by the wall clock: its sensors, and runs of a code server that was away, would
        rest until the old time is reached, and the daemon itself where it was at work just then.
        """
        before_s, self._clock_s = self._clock_s, time.time()
        back_s, dagster = before_s - self._clock_s, self.children.get("dagster")
        if back_s > _CLOCK_STEP_S and dagster is not None:
            self.say(f"the clock was set back by {back_s:.0f} s; Dagster is started again")
            dagster.signal(signal.SIGKILL)

    def say(self, text: str) -> None:
        """Tell people, where somebody listens: the pipe may be gone, or its disk full."""
        with suppress(OSError, SystemExit):
            self._say_aloud(text)

    def _tell_once(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self.say(text)

    def run(self) -> None:
        """Keep the servers running until the process is told to end."""
        while True:
            self.tick()
            time.sleep(1.0)

    def _start(self, child: Child) -> None:
        child.start()
        self.children[child.name] = child

    def _child(self, name: str, *arguments: str, **environment: str) -> Child:
        return Child(
            name,
            ending_with_parent(sys.executable, *arguments),
            self.home.environment() | environment,
            self.home.logs / f"{name}.log",
        )

    def _dagster(self) -> Child:
        child = self._child(
            "dagster",
            *("-m", "dagster", "dev"),
            *("-w", str(project_file("workspace.yaml"))),
            *("-h", HOST, "-p", str(self.ports.dagster)),
        )
        child.before = self._before_dagster
        return child

    def _before_dagster(self) -> None:
        fail_interrupted_runs(self.home)
        wake_sensors(self.home)

    def _mlflow(self) -> Child:
        uri = tracking_uri(self.home)
        artifacts = self.home.mlflow / "artifacts"
        return self._child(
            "mlflow",
            *("-m", "mlflow", "server", "-w", "1"),
            *("--host", HOST, "--port", str(self.ports.mlflow)),
            *("--backend-store-uri", uri, "--artifacts-destination", artifacts.as_uri()),
            MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false",
        )

    def _endpoint(self, use_case: UseCase) -> Child:
        child = self._child(
            endpoint_name(use_case),
            *("-m", "vision_assets.cli", "serve", use_case.name),
        )
        child.before = partial(_refuse_taken_of, use_case.name)
        return child


def endpoint_name(use_case: UseCase) -> str:
    """Name of the endpoint's process and of its log."""
    return f"endpoint-{use_case.name}"


def _refuse_taken_of(name: str) -> None:
    """Refuse the port that the use case names now, where somebody else listens."""
    _refuse_taken(use_case(name).spec.service.port)


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise ServiceError(
                f"port {port} of {HOST} is taken; stop what listens there, or choose another port"
            ) from None
