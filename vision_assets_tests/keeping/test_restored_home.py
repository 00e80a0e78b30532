"""A home that the graph made, copied while a run was under way: the restored one works on."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import httpx
import pytest
from typer.testing import CliRunner

from vision_assets.cli import app
from vision_assets.execution import instance, run_graph
from vision_assets.home import HOME_VARIABLE, Home
from vision_assets.resources.agreement import champion
from vision_assets.serving.deployments import Deployments
from vision_assets.serving.process import free_port
from vision_assets.vision.use_case import UseCase
from vision_assets_tests.drawing import draw_jpeg
from vision_assets_tests.keeping.conftest import PARTS_YAML

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
_WAIT_S = 120


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


@contextmanager
def served(name: str, port: int) -> Iterator[None]:
    command = [sys.executable, "-m", "vision_assets.cli", "serve", name]
    with subprocess.Popen(command) as process:
        try:
            deadline = time.monotonic() + _WAIT_S
            while not is_ready(port) and time.monotonic() < deadline:
                time.sleep(0.2)
            yield
        finally:
            process.terminate()


def is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).is_success
    except httpx.TransportError:
        return False


def test_a_restored_home_answers_and_runs_on(
    drop: Callable[[int], None],
    parts: UseCase,
    home: Home,
    write_yaml: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drop(24)
    assert run_graph("parts")
    with instance(home) as dagster:
        left = dagster.create_run_for_job(_nothing, status=dg.DagsterRunStatus.STARTED)
    run("backup", tmp_path / "archive")
    run("backup", tmp_path / "archive", "--verify")
    before = Deployments(home.deployments("parts")).current()
    assert before is not None
    home.root.rename(tmp_path / "lost")

    said = json.loads(run("restore", tmp_path / "archive", "--into", tmp_path / "new", "--json"))
    assert any("slot" in line for line in said["mended"])
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "new"))
    os.environ.update(Home.from_environment().environment())
    port = free_port()
    write_yaml(PARTS_YAML.replace("workers: 1", f"workers: 1, port: {port}"))
    new = Home.from_environment()
    assert champion(new, "parts") == before.model_id
    with instance(new) as dagster:
        ended = dagster.get_run_by_id(left.run_id)
    assert ended is not None
    assert ended.status == dg.DagsterRunStatus.FAILURE

    with served("parts", port):
        state = json.loads(run("status", "parts", "--json"))["parts"]
        assert state["answers"]["ready"]
        assert state["images"] == 24
        picture = {"image": ("a.jpg", draw_jpeg(1))}
        answer = httpx.post(f"http://127.0.0.1:{port}/predict", files=picture, trust_env=False)
        assert answer.json()["versions"]["bundle_id"] == before.bundle_id
    assert run_graph("parts")
    assert Deployments(new.deployments("parts")).current() == before
    assert not home.root.exists()


@dg.job
def _nothing() -> None:
    """A run of it stands for one whose process is gone."""
