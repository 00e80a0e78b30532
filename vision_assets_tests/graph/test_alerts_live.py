"""A training that fails under the real daemon: one message arrives, and the status says so."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from vision_assets.automation.status import STATUS
from vision_assets.automation.webhook import URL_VARIABLE
from vision_assets.execution import instance
from vision_assets.home import Home
from vision_assets.serving.process import free_port
from vision_assets.stack import Ports, Stack
from vision_assets_tests.graph.conftest import PARTS_YAML
from vision_assets_tests.graph.receiver import receiving

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

DEADLINE_S = 600


def _wait(stack: Stack, until: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not until():
        stack.tick()
        assert time.monotonic() < deadline, f"{what} did not come within {DEADLINE_S} s"
        time.sleep(1)


def test_a_failed_training_is_told_once_and_shown(
    home: Home,
    write_yaml: Callable[..., Path],
    drop: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = PARTS_YAML.replace("epochs: 2,", "epochs: 2, weights: 'file:gone.safetensors',")
    write_yaml(f"{text}  service: {{port: {free_port()}}}\n")
    drop(24)
    with receiving() as receiver:
        monkeypatch.setenv(URL_VARIABLE, receiver.url)
        receiver.answers = [500]
        with Stack(home, Ports(free_port(), free_port())) as stack, instance(home) as dagster:
            _wait(stack, lambda: len(receiver.requests) >= 2, "the message, after a failed try")
            _wait(stack, lambda: _shown(dagster), "the status")
    first, second = (json.loads(each.body) for each in receiver.requests)
    assert first == second, "the same message again, as the first try was answered 500"
    assert (first["kind"], first["use_case"]) == ("run_failed", "parts")
    assert first["asset"] == "parts/trained_model"
    assert first["by"] == "trigger: images"
    assert "gone.safetensors" in first["error"]
    assert first["command"]


def _shown(dagster: dg.DagsterInstance) -> bool:
    event = dagster.get_latest_materialization_event(dg.AssetKey(["parts", STATUS]))
    materialization = event.asset_materialization if event else None
    return materialization is not None and "failed in parts/trained_model" in str(
        materialization.metadata["status"].value
    )
