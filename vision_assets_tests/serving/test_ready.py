"""Whether an endpoint of this machine answers, as the status asks."""

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from vision_assets.home import Home
from vision_assets.serving.deployments import Deployments
from vision_assets.serving.endpoint import is_ready
from vision_assets.serving.process import free_port
from vision_assets.vision.inference.service.slot import Acknowledgement, acknowledge
from vision_assets.vision.use_case import UseCase


class _Ready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()


@pytest.fixture
def port() -> Iterator[int]:
    """Where something is ready."""
    with HTTPServer(("127.0.0.1", 0), _Ready) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture
def case(use_case: UseCase, port: int) -> UseCase:
    """A use case whose endpoint is to listen there."""
    return _on_port(use_case, port)


def _on_port(case: UseCase, port: int) -> UseCase:
    service = case.spec.service.model_copy(update={"port": port})
    return replace(case, spec=case.spec.model_copy(update={"service": service}))


def _follow(home: Home) -> Path:
    """As a worker that follows the slot of a home."""
    said = {"worker": "one", "sequence": 1, "bundle_id": "b1", "source": "slot"}
    slot = Deployments(home.deployments("colours")).slot_path
    return acknowledge(slot, Acknowledgement.model_validate(said))


def test_an_endpoint_of_this_machine_is_asked_without_a_proxy(
    case: UseCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    _follow(Home(tmp_path))
    assert is_ready(Home(tmp_path), case)
    assert not is_ready(Home(tmp_path), _on_port(case, free_port()))


def test_an_endpoint_of_another_home_is_not_the_one_of_this(case: UseCase, tmp_path: Path) -> None:
    here, other = Home(tmp_path / "here"), Home(tmp_path / "other")
    _follow(other)
    assert is_ready(other, case)
    assert not is_ready(here, case)
    long_ago_s = time.time() - 600
    os.utime(_follow(here), (long_ago_s, long_ago_s))
    assert not is_ready(here, case)
