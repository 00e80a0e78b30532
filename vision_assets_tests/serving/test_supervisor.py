"""The supervisor: with a real service, and with workers that do nothing but fail."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from vision_assets.serving.environment import clean_variables, ensure_environment
from vision_assets.serving.process import ServiceProcess, free_port
from vision_assets.serving.supervisor import STARTUP_FAILURE
from vision_assets_tests.serving.bundles import colour_png
from vision_assets_tests.serving.conftest import SETTINGS

PNG = colour_png("blue")
SUPERVISE = """
import os, signal, sys, time
from vision_assets.serving import supervisor
supervisor.DRAIN_S = 0.5
{before}

def work(number):
    print(time.monotonic(), flush=True)
    {work}

sys.exit(supervisor.supervise(work, 1))
"""


@pytest.fixture
def running(home, built) -> Iterator[ServiceProcess]:
    """Two workers, of a service that a test may harm."""
    with ServiceProcess(home, built, settings=SETTINGS) as service:
        yield service


def workers(service: ServiceProcess) -> list[psutil.Process]:
    return psutil.Process(service.pid).children()


def answers(service: ServiceProcess) -> bool:
    """Over a connection of its own, which any worker may accept."""
    files = {"image": PNG}
    url = f"{service.base_url}/predict"
    return httpx.post(url, files=files, timeout=30, trust_env=False).json()["label"] == "blue"


def eventually(said: Callable[[], bool], timeout_s: float = 20) -> bool:
    deadline = time.monotonic() + timeout_s
    while not said() and time.monotonic() < deadline:
        time.sleep(0.02)
    return said()


def test_nothing_runs_in_the_supervisor_that_a_fork_would_lose(service):
    assert psutil.Process(service.pid).num_threads() == 1


def counts(service: ServiceProcess, requests: int) -> bool:
    """A request is counted just after its answer has left."""
    metrics = httpx.get(f"{service.base_url}/metrics", trust_env=False).text
    counted = f'vision_assets_request_seconds_count{{route="/predict"}} {requests:.1f}\n'
    return counted in metrics


def test_killed_workers_are_back_and_count_on(running: ServiceProcess):
    assert answers(running)
    assert eventually(lambda: counts(running, 1))
    before = workers(running)
    for worker in before:
        worker.kill()
    assert answers(running)
    assert eventually(lambda: len(workers(running)) == 2)
    assert set(workers(running)).isdisjoint(before)
    assert eventually(lambda: counts(running, 2))


def test_workers_end_with_a_killed_supervisor(running: ServiceProcess):
    family = workers(running)
    os.kill(running.pid, signal.SIGKILL)
    assert psutil.wait_procs(family, timeout=20)[1] == []
    assert len(family) == 2


def test_a_request_that_is_under_way_is_answered_before_the_end(running: ServiceProcess):
    address = urlsplit(running.base_url)
    request = httpx.Request("POST", f"{running.base_url}/predict", files={"image": PNG})
    body = request.read()
    with socket.create_connection((address.hostname, address.port), timeout=20) as wire:
        head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        wire.sendall(f"POST /predict HTTP/1.1\r\n{head}\r\n".encode() + body[:50])
        time.sleep(0.5)
        os.kill(running.pid, signal.SIGTERM)
        time.sleep(0.5)
        wire.sendall(body[50:])
        answer = b"".join(iter(lambda: wire.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 200")
    assert running.wait() == 0


def supervised(work: str, before: str = "") -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", SUPERVISE.format(work=work, before=before)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def starts_s(process: "subprocess.Popen[str]", n: int) -> list[float]:
    assert process.stdout is not None
    return [float(process.stdout.readline()) for _ in range(n)]


def test_a_worker_that_ends_again_and_again_is_started_after_growing_waits():
    with supervised("os._exit(1)") as process:
        starts = starts_s(process, 5)
        process.terminate()
    at_once, *waits = [later - sooner for sooner, later in pairwise(starts)]
    assert at_once < waits[-1]
    assert [wait >= least for wait, least in zip(waits, (0.1, 0.2, 0.4), strict=True)] == [True] * 3
    assert process.returncode == 0


def test_a_worker_whose_end_makes_no_signal_is_found():
    deaf = "supervisor.LOOK_S = 0.2; supervisor._AWAITED -= {signal.SIGCHLD}"
    with supervised("os._exit(1)", deaf) as process:
        assert len(starts_s(process, 3)) == 3
        process.terminate()
    assert process.returncode == 0


def test_where_no_worker_can_start_the_service_ends():
    with supervised(f"sys.exit({STARTUP_FAILURE})") as process:
        starts_s(process, 1)
        assert process.wait(10) == STARTUP_FAILURE


def test_a_worker_that_ran_once_is_tried_again_even_where_the_next_cannot_start(tmp_path):
    ran = tmp_path / "ran"
    work = f"os.path.exists({str(ran)!r}) and sys.exit({STARTUP_FAILURE}); open({str(ran)!r}, 'x')"
    with supervised(work) as process:
        assert len(starts_s(process, 4)) == 4
        process.terminate()
    assert process.returncode == 0


def test_a_worker_that_does_not_end_is_killed():
    with supervised("signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)") as process:
        starts_s(process, 1)
        (worker,) = psutil.Process(process.pid).children()
        time.sleep(0.2)
        process.terminate()
        assert process.wait(10) == 0
    assert not worker.is_running()


def test_anybody_can_serve_it_with_bentoml_alone(home, built, service, tmp_path: Path):
    """The same answer, routes and headers, and the figures of Prometheus."""
    port = free_port()
    address = ["--host", "127.0.0.1", "--port", str(port)]
    python = ensure_environment(home)
    with subprocess.Popen(
        [python, "-m", "bentoml", "serve", built.folder, *address],
        env=clean_variables(BENTOML_HOME=str(tmp_path)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            plain = f"http://127.0.0.1:{port}"
            assert eventually(lambda: is_up(plain), 60)
            said = [ask(url) for url in (plain, service.base_url)]
        finally:
            process.terminate()
    assert said[0] == said[1]


def is_up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=5, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def ask(url: str) -> tuple[object, ...]:
    with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
        answer = client.post("/predict", files={"image": PNG}).json()
        routes = client.get("/docs.json").json()["paths"]
        headers = set(client.get("/readyz").headers)
        assert 'route="/predict",status="200"' in client.get("/metrics").text
    return answer["scores"], answer["versions"], set(routes), headers
