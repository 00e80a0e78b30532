"""A code server that dies is started again, with the Dagster around it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from vision_assets.child import Child
from vision_assets.code_server import CodeServerWatch, has_code_server
from vision_assets.home import Home
from vision_assets.stack import Stack

SLEEPS = "import time; time.sleep(300)"
HAS_A_CODE_SERVER = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {SLEEPS!r}, "api", "grpc", "--socket"])
"""


@pytest.fixture
def dagster(tmp_path: Path) -> Iterator[Child]:
    """A process that has another one below it, which calls itself a code server."""
    child = Child("dagster", [sys.executable, "-c", HAS_A_CODE_SERVER], {}, tmp_path / "log")
    child.start()
    yield child
    child.signal(signal.SIGKILL)
    child.join(0)


def _code_servers(group: int) -> list[int]:
    done = subprocess.run(
        ["pgrep", "-g", str(group), "-f", "api grpc"], capture_output=True, text=True, check=False
    )
    return [int(line) for line in done.stdout.split()]


def test_dagster_is_ended_once_its_code_server_is_gone(home: Home, dagster: Child) -> None:
    from vision_assets_tests.faults.plant import wait

    said: list[str] = []
    stack = Stack(home, say=said.append)
    stack._code_server = CodeServerWatch(look_s=0.0, wait_s=0.0)
    stack.children["dagster"] = dagster
    assert dagster.process is not None
    group = dagster.process.pid
    wait(lambda: has_code_server(group), "a code server", 60)
    os.kill(group, signal.SIGSTOP)
    stack._mend_dagster()
    assert said == []
    for process in _code_servers(group):
        os.kill(process, signal.SIGKILL)
    wait(lambda: not has_code_server(group), "its end", 60)
    stack._mend_dagster()
    assert said == ["the code server of Dagster has died; Dagster is started again"]
    assert dagster.process.wait(60) == -signal.SIGKILL


def test_one_that_has_not_started_yet_is_waited_for(dagster: Child) -> None:
    assert dagster.process is not None
    os.kill(dagster.process.pid, signal.SIGSTOP)
    watch = CodeServerWatch(look_s=0.0, wait_s=0.0)
    for process in _code_servers(dagster.process.pid):
        os.kill(process, signal.SIGKILL)
    assert not watch.has_lost_it(dagster)
