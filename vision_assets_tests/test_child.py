"""A server that ends is started again; one that is stopped leaves nothing of its group behind."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from vision_assets.child import FIRST_WAIT_S, LONGEST_WAIT_S, STEADY_S, Child

STAYS = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("stays", flush=True)
time.sleep(300)
"""
# Of a job that ignores interrupts, Dagster, once used, makes one that ignores SIGTERM too.
LEADER = f"""
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_DFL)
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


class _Clock:
    """The time that a server's waits are counted by."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    made = _Clock()
    monkeypatch.setattr(time, "monotonic", made)
    return made


@pytest.fixture
def ended(tmp_path: Path, clock: _Clock) -> Iterator[Child]:
    """A server that has ended at once, and does so each time."""
    child = Child("server", ["true"], {}, tmp_path / "log")
    child.start()
    yield child
    child.join(0)


def _tries_s(child: Child, clock: _Clock, looks: int) -> list[float]:
    """When it is started again, of one look a second."""
    tries_s = []
    for _ in range(looks):
        assert child.process is not None
        child.process.wait()
        with suppress(IsADirectoryError):
            child.revive(lambda _: tries_s.append(clock.now_s))
        clock.now_s += 1
    return tries_s


def test_what_ends_at_once_waits_longer_each_time(ended: Child, clock: _Clock) -> None:
    tries_s = _tries_s(ended, clock, looks=300)
    until_seen_s = 1
    waits_s = [after - before - until_seen_s for before, after in pairwise(tries_s)]
    assert tries_s[0] == 1
    assert waits_s == [2, 4, 8, 16, 32, 60, 60, 60]


def test_what_ran_for_long_is_started_again_soon(ended: Child, clock: _Clock) -> None:
    ended.wait_s, clock.now_s = LONGEST_WAIT_S, STEADY_S + 1
    assert _tries_s(ended, clock, looks=3)[0] == STEADY_S + 1 + FIRST_WAIT_S


def test_a_start_that_fails_is_waited_after_as_well(ended: Child, clock: _Clock) -> None:
    ended.log = ended.log.parent
    assert _tries_s(ended, clock, looks=20) == [1, 3, 7, 15]
