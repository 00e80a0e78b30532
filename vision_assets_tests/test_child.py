"""A server that is stopped leaves nothing of its group behind."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from vision_assets.child import Child

STAYS = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("stays", flush=True)
time.sleep(300)
"""
LEADER = f"""
import subprocess, sys, time
left = subprocess.Popen([sys.executable, "-c", {STAYS!r}], stdout=subprocess.PIPE)
left.stdout.readline()
print(left.pid, flush=True)
time.sleep(300)
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Child]:
    """A process that ends when it is told to, over one that does not."""
    child = Child("server", [sys.executable, "-c", LEADER], {}, tmp_path / "log")
    child.start()
    yield child
    child.join(0)


def _left(server: Child) -> psutil.Process:
    """The process below the server."""
    deadline_s = time.monotonic() + 30
    while not server.log.read_text().endswith("\n"):
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
    return psutil.Process(int(server.log.read_text()))


def _has_ended(process: psutil.Process) -> bool:
    deadline_s = time.monotonic() + 5
    with suppress(psutil.NoSuchProcess):
        while process.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > deadline_s:
                return False
            time.sleep(0.05)
    return True


def test_what_outlasts_its_leader_is_killed(server: Child) -> None:
    left = _left(server)
    server.signal(signal.SIGTERM)
    server.join(time.monotonic() + 60)
    assert server.process is not None
    assert server.process.returncode == -signal.SIGTERM
    assert _has_ended(left)


def test_what_a_leader_left_that_had_ended_before_is_killed(server: Child) -> None:
    left = _left(server)
    assert server.process is not None
    os.kill(server.process.pid, signal.SIGKILL)
    os.waitid(os.P_PID, server.process.pid, os.WEXITED | os.WNOWAIT)
    server.signal(signal.SIGTERM)
    server.join(time.monotonic() + 60)
    assert _has_ended(left)
