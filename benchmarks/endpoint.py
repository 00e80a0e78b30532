"""The endpoint of each task beside FastAPI, that of classification beside a loop without HTTP.

One worker on the first core, the load on the last, real JPEGs of some 36 kB or the nearest to
that, four connections; both servers in this environment, with the same event loop and the same
HTTP parser. Rates and their tails are taken side by side: both servers are up, and asked in turn
in short bursts, since the speed of a shared machine moves within seconds by more than they differ.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.bursts import BURSTS, Burst, compared
from benchmarks.served import (
    CLASSIFICATION,
    bundle_of,
    home_of,
    make,
    pictures_of,
    use_case_name,
)
from benchmarks.work import Figures

if TYPE_CHECKING:
    import psutil

BUNDLE_VARIABLE = "BENCHMARK_BUNDLE"
HOST = "127.0.0.1"
CONNECTIONS = 4
WARM_UP_S, MEASURED_S, BURST_S = 3.0, 12.0, 1.5
START_TIMEOUT_S = 60
FIRST_CORE, LAST_CORE = min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))
_BOUNDARY = "benchmark"


@dataclass(frozen=True)
class Server:
    """How a server is started, and where it answers."""

    command: list[str]
    variables: Mapping[str, str]
    place: Path
    port: int


@contextmanager
def _bento(task: str, folder: Path) -> Iterator[Server]:
    """The Bento, as it is served."""
    from vision_assets.serving.bento import find_bento
    from vision_assets.serving.process import free_port, serve_command, serve_variables

    bundle, port = bundle_of(task, folder), free_port()
    built = find_bento(home_of(folder), f"{use_case_name(task)}:{bundle.name}")
    with tempfile.TemporaryDirectory() as bentoml_home:
        variables = serve_variables(Path(bentoml_home), None, None)
        command = serve_command(Path(sys.executable), built, port)
        yield Server(command, variables, built.folder, port)


@contextmanager
def _fastapi(task: str, folder: Path) -> Iterator[Server]:
    """FastAPI and uvicorn around the same predictor."""
    from vision_assets.serving.process import free_port

    port, bundle = free_port(), bundle_of(task, folder)
    app = ("benchmarks.fastapi_app:app", "--port", str(port), "--no-access-log")
    variables = os.environ | {BUNDLE_VARIABLE: str(bundle), "OMP_NUM_THREADS": "1"}
    yield Server([sys.executable, "-m", "uvicorn", *app], variables, Path.cwd(), port)


def bento(folder: Path, _n: int) -> Figures:
    """Start, rate and memory of the Bento alone."""
    with _bento(CLASSIFICATION, folder) as server:
        return _measure(pictures_of(CLASSIFICATION, folder), server)


def fastapi(folder: Path, _n: int) -> Figures:
    """Start, rate and memory of FastAPI alone."""
    with _fastapi(CLASSIFICATION, folder) as server:
        return _measure(pictures_of(CLASSIFICATION, folder), server)


def _side_by_side(task: str, folder: Path, _n: int) -> Figures:
    """Rate and p99 of the Bento and of FastAPI, asked in turn."""
    requests = [_request(picture) for picture in pictures_of(task, folder)]
    with ExitStack() as both:
        servers = [both.enter_context(each(task, folder)) for each in (_bento, _fastapi)]
        for server in servers:
            both.enter_context(_on_first_core(server))
            _wait_for_an_answer(server.port, requests[0])
            _load(server.port, requests, WARM_UP_S)
        bursts = [[_burst(server.port, requests) for server in servers] for _ in range(BURSTS)]
    return compared([ours for ours, _ in bursts], [other for _, other in bursts])


def loop(folder: Path, _n: int) -> Figures:
    """The same work without HTTP."""
    from vision_assets.vision.inference.bundle import Bundle
    from vision_assets.vision.inference.predictor import Predictor

    os.sched_setaffinity(0, {FIRST_CORE})
    predictor = Predictor(Bundle.load(bundle_of(CLASSIFICATION, folder)), threads=1)
    pictures = cycle(pictures_of(CLASSIFICATION, folder))
    _until(time.perf_counter() + WARM_UP_S, lambda: predictor.predict(next(pictures)))
    began = time.perf_counter()
    times = _until(began + MEASURED_S, lambda: predictor.predict(next(pictures)))
    return _figures(times, time.perf_counter() - began)


side_by_side = partial(_side_by_side, CLASSIFICATION)
side_by_side_detection = partial(_side_by_side, "detection")
side_by_side_segmentation = partial(_side_by_side, "segmentation")
side_by_side_anomaly = partial(_side_by_side, "anomaly")


def prepare(worker: str, folder: Path, _n: int) -> None:
    """Make the task's bundle, its Bento and the pictures, once."""
    make(worker.removeprefix("side_by_side").partition("_")[2] or CLASSIFICATION, folder)


def _measure(pictures: list[bytes], how: Server) -> Figures:
    requests = [_request(picture) for picture in pictures]
    with _on_first_core(how) as server:
        began = time.perf_counter()
        _wait_for_an_answer(how.port, requests[0])
        start_s = time.perf_counter() - began
        _load(how.port, requests, WARM_UP_S)
        began, cpu_s = time.perf_counter(), _cpu_s(server.pid)
        times = _load(how.port, requests, MEASURED_S)
        figures = _figures(times, time.perf_counter() - began)
        cpu_ms = (_cpu_s(server.pid) - cpu_s) / len(times) * 1000
        memory_mb = _largest_mb(server.pid)
        return figures | {"cpu_ms": cpu_ms, "start_s": start_s, "worker_mb": memory_mb}


def _burst(port: int, requests: list[bytes]) -> Burst:
    began = time.perf_counter()
    times = _load(port, requests, BURST_S)
    figures = _figures(times, time.perf_counter() - began)
    return {name: figures[name] for name in ("images_per_s", "p99_ms")}


@contextmanager
def _on_first_core(how: Server) -> Iterator[subprocess.Popen[bytes]]:
    """A server on the first core; what asks it goes to the last one."""
    os.sched_setaffinity(0, {FIRST_CORE})
    with subprocess.Popen(
        how.command,
        env=how.variables,
        cwd=how.place,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as server:
        os.sched_setaffinity(0, {LAST_CORE})
        try:
            yield server
        finally:
            os.killpg(server.pid, signal.SIGTERM)


def _request(picture: bytes) -> bytes:
    """The bytes of one request, made before the clock starts."""
    body = b"".join(
        (
            f"--{_BOUNDARY}\r\nContent-Disposition: form-data; ".encode(),
            b'name="image"; filename="picture.jpg"\r\nContent-Type: image/jpeg\r\n\r\n',
            picture,
            f"\r\n--{_BOUNDARY}--\r\n".encode(),
        )
    )
    head = (
        f"POST /predict HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {len(body)}\r\n"
        f"Content-Type: multipart/form-data; boundary={_BOUNDARY}\r\n\r\n"
    )
    return head.encode() + body


def _wait_for_an_answer(port: int, request: bytes) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            with socket.create_connection((HOST, port), timeout=30) as wire:
                return _ask(wire, request)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _ask(wire: socket.socket, request: bytes) -> None:
    """One request and the whole of its answer, which must be a 200."""
    wire.sendall(request)
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += _received(wire)
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        sys.exit(f"the endpoint answered {answer[:300]!r}")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += _received(wire)


def _received(wire: socket.socket) -> bytes:
    data = wire.recv(65536)
    if not data:
        raise ConnectionResetError("the server closed the connection")
    return data


def _load(port: int, requests: list[bytes], seconds: float) -> list[float]:
    """Ask over all connections at once; the seconds of each request."""
    end = time.perf_counter() + seconds

    def ask_on(number: int) -> list[float]:
        turns = cycle(requests[number:] + requests[:number])
        with socket.create_connection((HOST, port), timeout=30) as wire:
            return _until(end, lambda: _ask(wire, next(turns)))

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return [each for times in pool.map(ask_on, range(CONNECTIONS)) for each in times]


def _until(end: float, work: Callable[[], object]) -> list[float]:
    times = []
    while (began := time.perf_counter()) < end:
        work()
        times.append(time.perf_counter() - began)
    return times


def _figures(times_s: list[float], took_s: float) -> Figures:
    import numpy as np

    p50, p99 = np.percentile(times_s, [50, 99]) * 1000
    return {"images_per_s": len(times_s) / took_s, "p50_ms": float(p50), "p99_ms": float(p99)}


def _largest_mb(pid: int) -> float:
    """Of the process that answers: the largest of the family."""
    return max(process.memory_info().rss for process in _family(pid)) / 2**20


def _cpu_s(pid: int) -> float:
    """What the family has computed so far; says more than a rate where others work beside it."""
    return sum(sum(process.cpu_times()[:2]) for process in _family(pid))


def _family(pid: int) -> "list[psutil.Process]":
    import psutil

    return [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
