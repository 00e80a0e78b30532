"""A plant at work: `vision-assets up` as a process, images that come, clients that ask."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import httpx
import psutil

from vision_assets.home import Home
from vision_assets.serving.process import free_port
from vision_assets.vision.use_case import UseCase
from vision_assets_tests.drawing import draw_jpeg

_MARK = "PLANT"
_KINDS = {
    "daemon": "dagster._daemon",
    "web server": "dagster_webserver",
    "code server": "dagster api grpc",
    "mlflow": "mlflow server",
    "endpoint": "supervisor.py",
}


def wait(until: Callable[[], object], what: str, deadline_s: float) -> None:
    """Look every half second until it is so."""
    deadline = time.monotonic() + deadline_s
    while not until():
        assert time.monotonic() < deadline, f"{what} did not happen within {deadline_s:.0f} s"
        time.sleep(0.5)


class Servers:
    """`vision-assets up` in a process of its own, and the processes below it.

    Args:
        home: theirs.
        variables: more of their environment.

    Attributes:
        environment: in which they run, and whatever else is to end with them.
    """

    def __init__(self, home: Home, variables: Mapping[str, str] = MappingProxyType({})) -> None:
        self._home = home
        self.environment = {**os.environ, _MARK: str(home.root), **variables}
        self._ports = ["--dagster-port", str(free_port()), "--mlflow-port", str(free_port())]
        self.start()

    def start(self) -> None:
        self._home.logs.mkdir(parents=True, exist_ok=True)
        with (self._home.root.parent / "up.log").open("ab") as log:
            command = [sys.executable, "-m", "vision_assets.cli", "up", *self._ports]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=self.environment)

    def keep(self) -> None:
        """Start again what has ended, as a service manager does."""
        if self.process.poll() is not None:
            self.start()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(120)

    def kill_all(self) -> None:
        """kill -9 of every process, those among them that an earlier `up` has left to end."""
        while processes := _marked(str(self._home.root)):
            for process in processes:
                kill(process)
            time.sleep(0.1)
        self.process.wait()

    def find(self, kind: str) -> list[psutil.Process]:
        """The processes of a kind; the first is above the others."""
        if kind == "up":
            return [psutil.Process(self.process.pid)]
        if kind == "run worker":
            servers = self.find("code server")
            return [worker for server in servers for worker in _workers(server)]
        return [each for each in self._all() if _KINDS[kind] in _command(each)]

    def _all(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []


def _marked(mark: str) -> list[psutil.Process]:
    """The processes that inherited the mark; who has ended has no environment."""
    return [each for each in psutil.process_iter() if _environment(each).get(_MARK) == mark]


def _environment(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except psutil.Error:
        return {}


def _workers(server: psutil.Process) -> list[psutil.Process]:
    try:
        return [each for each in server.children() if "spawn_main" in _command(each)]
    except psutil.NoSuchProcess:
        return []


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def kill(process: psutil.Process) -> bool:
    """kill -9; whether it was there."""
    try:
        process.send_signal(signal.SIGKILL)
    except psutil.NoSuchProcess:
        return False
    return True


@dataclass
class Answer:
    """One request to the endpoint; times by the monotonic clock."""

    began_s: float
    ended_s: float
    failure: str | None


@dataclass
class Client:
    """Asks the endpoint without a pause, in a thread."""

    case: UseCase
    answers: list[Answer] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Client":
        self._thread = threading.Thread(target=self._ask_on)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _ask_on(self) -> None:
        picture = draw_jpeg(0, "good")
        while not self._stop.wait(0.1):
            began = time.monotonic()
            self.answers.append(Answer(began, time.monotonic(), self._ask(picture)))
            self.answers[-1].ended_s = time.monotonic()

    def _ask(self, picture: bytes) -> str | None:
        url = f"http://127.0.0.1:{self.case.spec.service.port}/predict"
        try:
            answer = httpx.post(url, files={"image": ("a.jpg", picture)}, timeout=60)
        except httpx.TransportError as error:
            return repr(error)
        return None if answer.is_success else f"{answer.status_code} {answer.text[:200]}"

    def answers_since(self, moment_s: float) -> bool:
        """Whether a request that began after that was answered."""
        return any(each.began_s > moment_s and each.failure is None for each in self.answers)


@dataclass
class Camera:
    """Drops images into the landing folder, in a thread, some of them in troublesome ways.

    Attributes:
        most: how many it drops by itself, so that a slow machine is not left with more than it
            takes.
    """

    folder: Path
    pause_s: float
    chance: "Callable[[], float]"
    most: int = 1000
    dropped: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Camera":
        self._thread = threading.Thread(target=self._drop_on)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _drop_on(self) -> None:
        while not self._stop.wait(self.pause_s * 2 * self.chance()):
            if self.dropped < self.most:
                self.drop(1)

    def drop(self, n: int) -> None:
        """Some images; one that finds no folder, or no room, is lost in the camera."""
        for _ in range(n):
            self.dropped += 1
            with suppress(OSError):
                self._put(self.dropped)

    def _put(self, number: int) -> None:
        label = ("good", "scratch")[number % 2]
        data, trouble = draw_jpeg(number, label), self.chance()
        name = number - 2 if trouble < 0.1 else number  # another picture under a name that is there
        path = self.folder / label / f"{name}.jpg"
        if trouble > 0.9:  # seen half written, then whole
            path.write_bytes(data[: len(data) // 2])
            time.sleep(0.05)
        path.with_name(f".{path.name}").write_bytes(data)
        path.with_name(f".{path.name}").replace(path)


def files(folder: Path) -> Iterator[Path]:
    """The images in a landing folder."""
    return (path for path in folder.rglob("*.jpg") if not path.name.startswith("."))
