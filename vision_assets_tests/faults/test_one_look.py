"""What fails at one look of `up` ends none of its servers, and is tried again."""

import errno
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vision_assets.child import FIRST_WAIT_S, Child
from vision_assets.execution import instance
from vision_assets.home import Home
from vision_assets.serving.deployments import Deployments
from vision_assets.serving.process import free_port
from vision_assets.stack import Stack
from vision_assets.vision.errors import ServiceError
from vision_assets.vision.use_case import UseCase
from vision_assets_tests.graph.conftest import PARTS_YAML

SLEEPS = [sys.executable, "-c", "import time; time.sleep(300)"]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def port(write_yaml: Callable[..., Path], parts: UseCase) -> int:
    """Where the endpoint of the use case is to listen."""
    free = free_port()
    write_yaml(f"{PARTS_YAML}  service: {{port: {free}}}\n", parts.name)
    return free


@pytest.fixture
def stack(home: Home, port: int, said: list[str]) -> Iterator[Stack]:
    """An `up` of one use case that runs none of its servers yet."""
    with instance(home):
        pass
    made = Stack(home, say=said.append)
    yield made
    for child in made.children.values():
        child.signal(signal.SIGKILL)
        child.join(0)


def _ended(stack: Stack, name: str, before: Callable[[], None] = lambda: None) -> Child:
    """A server of it that was killed, and whose time to start again has come."""
    child = Child(name, SLEEPS, {}, stack.home.logs / f"{name}.log", before)
    child.start()
    child.signal(signal.SIGKILL)
    assert child.process is not None
    child.process.wait()
    child.ended_s = time.monotonic() - FIRST_WAIT_S
    stack.children[name] = child
    return child


def _runs(child: Child) -> bool:
    assert child.process is not None
    return child.process.poll() is None


def test_a_damaged_database_of_dagster_holds_dagster_alone_up(
    stack: Stack, said: list[str]
) -> None:
    dagster, endpoint = _ended(stack, "dagster"), _ended(stack, "endpoint-parts")
    dagster.before = stack._before_dagster
    database = stack.home.dagster / "history" / "runs.db"
    whole = database.read_bytes()
    database.write_bytes(b"no database" * 1000)
    stack.tick()
    assert not _runs(dagster)
    assert _runs(endpoint)
    assert any("dagster: DatabaseError: " in text for text in said)
    assert all("\n" not in text for text in said)
    database.write_bytes(whole)
    dagster.wait_s = 0.0
    stack.tick()
    assert _runs(dagster)


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), SystemExit(1)])
def test_nobody_has_to_listen(stack: Stack, error: BaseException) -> None:
    def cannot(text: str) -> None:
        raise error

    stack._say_aloud = cannot
    endpoint = _ended(stack, "endpoint-parts")
    stack.tick()
    assert _runs(endpoint)


@pytest.fixture
def one_deployment(home: Home, deployed: Callable[[], None]) -> None:
    deployed()
    Deployments(home.deployments("parts")).repair()


@pytest.mark.usefixtures("one_deployment")
def test_an_endpoint_that_cannot_start_is_tried_again(stack: Stack, said: list[str]) -> None:
    stack.home.logs.write_text("a file where the folder of logs should be")
    stack.tick()
    stack.tick()
    (told,) = said
    assert told.startswith("parts: FileExistsError: ")
    stack.home.logs.unlink()
    stack.tick()
    assert "endpoint-parts" in stack.children


@pytest.mark.usefixtures("one_deployment")
def test_a_port_that_somebody_else_has_is_told_once(
    stack: Stack, said: list[str], port: int
) -> None:
    with socket.create_server(("127.0.0.1", port)):
        stack.tick()
        stack.tick()
        (told,) = said
        assert f"parts: port {port} of 127.0.0.1 is taken" in told
        assert stack.children == {}
    stack.tick()
    assert "endpoint-parts" in stack.children


@pytest.mark.usefixtures("one_deployment")
def test_an_endpoint_moves_to_the_port_that_is_named_now(
    stack: Stack, port: int, write_yaml: Callable[..., Path]
) -> None:
    stack.tick()
    with socket.create_server(("127.0.0.1", port)):
        endpoint = stack.children["endpoint-parts"]
        endpoint.signal(signal.SIGKILL)
        with pytest.raises(ServiceError, match="is taken"):
            endpoint.before()
        write_yaml(f"{PARTS_YAML}  service: {{port: {free_port()}}}\n", "parts")
        endpoint.before()
