"""The endpoint of each task beside FastAPI, that of classification beside a loop without HTTP.

One worker on the first core, the load on the last, real JPEGs of some 36 kB or the nearest to
that, four connections; both servers in this environment, with the same event loop and the same
HTTP parser.
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
from contextlib import contextmanager
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

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
WARM_UP_S, MEASURED_S = 3.0, 12.0
START_TIMEOUT_S = 60
_BOUNDARY = "benchmark"


def _bento(task: str, folder: Path, _n: int) -> Figures:
    """The Bento, as it is served."""
    from vision_assets.serving.bento import find_bento
    from vision_assets.serving.process import free_port, serve_command, serve_variables

    bundle, port = bundle_of(task, folder), free_port()
    built = find_bento(home_of(folder), f"{use_case_name(task)}:{bundle.name}")
    with tempfile.TemporaryDirectory() as bentoml_home:
        variables = serve_variables(Path(bentoml_home), None, None)
        command = serve_command(Path(sys.executable), built, port)
        return _measure(pictures_of(task, folder), command, variables, built.folder, port)


def _fastapi(task: str, folder: Path, _n: int) -> Figures:
    """FastAPI and uvicorn around the same predictor."""
    from vision_assets.serving.process import free_port

    port, bundle = free_port(), bundle_of(task, folder)
    app = ("benchmarks.fastapi_app:app", "--port", str(port), "--no-access-log")
    variables = os.environ | {BUNDLE_VARIABLE: str(bundle), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "uvicorn", *app]
    return _measure(pictures_of(task, folder), command, variables, Path.cwd(), port)


def _loop(task: str, folder: Path, _n: int) -> Figures:
    """The same work without HTTP."""
    from vision_assets.vision.inference.bundle import Bundle
    from vision_assets.vision.inference.predictor import Predictor

    os.sched_setaffinity(0, {_cores()[0]})
    predictor = Predictor(Bundle.load(bundle_of(task, folder)), threads=1)
    pictures = cycle(pictures_of(task, folder))
    _until(time.perf_counter() + WARM_UP_S, lambda: predictor.predict(next(pictures)))
    began = time.perf_counter()
    times = _until(began + MEASURED_S, lambda: predictor.predict(next(pictures)))
    return _figures(times, time.perf_counter() - began)


bento, fastapi, loop = (partial(each, CLASSIFICATION) for each in (_bento, _fastapi, _loop))
bento_detection, fastapi_detection = partial(_bento, "detection"), partial(_fastapi, "detection")
bento_segmentation = partial(_bento, "segmentation")
fastapi_segmentation = partial(_fastapi, "segmentation")
bento_anomaly, fastapi_anomaly = partial(_bento, "anomaly"), partial(_fastapi, "anomaly")


def prepare(worker: str, folder: Path, _n: int) -> None:
    """Make the task's bundle, its Bento and the pictures, once."""
    make(worker.partition("_")[2] or CLASSIFICATION, folder)


def _cores() -> list[int]:
    return sorted(os.sched_getaffinity(0))


def _measure(
    pictures: list[bytes], command: list[str], variables: Mapping[str, str], place: Path, port: int
) -> Figures:
    requests = [_request(picture) for picture in pictures]
    with _on_first_core(command, variables, place) as server:
        began = time.perf_counter()
        _wait_for_an_answer(port, requests[0])
        start_s = time.perf_counter() - began
        _load(port, requests, WARM_UP_S)
        began, cpu_s = time.perf_counter(), _cpu_s(server.pid)
        times = _load(port, requests, MEASURED_S)
        figures = _figures(times, time.perf_counter() - began)
        cpu_ms = (_cpu_s(server.pid) - cpu_s) / len(times) * 1000
        memory_mb = _largest_mb(server.pid)
        return figures | {"cpu_ms": cpu_ms, "start_s": start_s, "worker_mb": memory_mb}


@contextmanager
def _on_first_core(
    command: list[str], variables: Mapping[str, str], place: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A server on the first core; what asks it goes to the last one."""
    first, *_, last = _cores()
    os.sched_setaffinity(0, {first})
    with subprocess.Popen(
        command,
        env=variables,
        cwd=place,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as server:
        os.sched_setaffinity(0, {last})
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
