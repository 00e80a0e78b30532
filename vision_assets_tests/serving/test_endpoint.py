"""The endpoint in the foreground, as `vision-assets serve` runs it."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psutil
import pytest

from vision_assets.home import Home
from vision_assets.serving.bento import build_bento
from vision_assets.serving.deployments import Deployments
from vision_assets.serving.endpoint import deployed_bento
from vision_assets.serving.process import free_port
from vision_assets.vision.errors import DeploymentError
from vision_assets.vision.use_case import UseCase
from vision_assets_tests.serving.bundles import colour_png, make_bundle

SERVE = """
import sys
from pathlib import Path
from vision_assets.home import Home
from vision_assets.serving.endpoint import serve
from vision_assets.vision.spec import SourceSpec
from vision_assets.vision.tasks.classification.spec import ClassificationSpec
from vision_assets.vision.use_case import UseCase
service = {"port": int(sys.argv[2]), "slot_poll_s": 0.1}
spec = ClassificationSpec(source=SourceSpec(landing="landing"), service=service)
serve(Home(Path(sys.argv[1])), UseCase("colours", "classification", spec))
"""


@pytest.fixture
def fresh_home(home: Home, use_case: UseCase, tmp_path, monkeypatch) -> Home:
    """A home that shares the clean environment."""
    fresh = Home(tmp_path)
    build_bento(fresh, use_case, make_bundle(fresh.bundles("colours"), ("a", "b", "c")))
    return fresh


@contextmanager
def endpoint(home: Home) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-c", SERVE, home.root, str(port)]
    with subprocess.Popen(command) as process:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def label(base_url: str) -> str | None:
    files = {"image": colour_png("red")}
    try:
        answer = httpx.post(f"{base_url}/predict", files=files, timeout=30, trust_env=False)
    except httpx.ConnectError:
        return None
    return answer.json()["label"]


def wait_for(base_url: str, expected: str) -> bool:
    deadline = time.monotonic() + 40
    while label(base_url) != expected and time.monotonic() < deadline:
        time.sleep(0.1)
    return label(base_url) == expected


def test_nothing_is_served_before_something_is_deployed(home, use_case, tmp_path):
    with pytest.raises(DeploymentError, match="has no deployment"):
        deployed_bento(Home(tmp_path), use_case)


def test_a_bento_that_is_gone_is_named(use_case, tmp_path):
    home = Home(tmp_path)
    folder = make_bundle(home.bundles("colours"))
    Deployments(home.deployments("colours")).deploy(folder.name, folder, "colours:x", "why", "by")
    with pytest.raises(DeploymentError, match="it is gone"):
        deployed_bento(home, use_case)


def test_the_endpoint_takes_later_deployments_and_a_lost_slot_without_a_restart(fresh_home):
    log = Deployments(fresh_home.deployments("colours"))
    (first,) = fresh_home.bundles("colours").iterdir()
    log.deploy(first.name, first, f"colours:{first.name}", "the first", "test")
    log.slot_path.unlink()
    others = set(psutil.Process().children(recursive=True))
    with endpoint(fresh_home) as base_url:
        assert wait_for(base_url, "a")
        second = make_bundle(fresh_home.bundles("colours"), ("x", "y", "z"), gain=9.0)
        log.deploy(second.name, second, f"colours:{second.name}", "better", "test")
        assert wait_for(base_url, "x")
        (taken,) = log.wait_for_workers(20).taken
        assert taken.bundle_id == second.name
        family = set(psutil.Process().children(recursive=True)) - others
    assert psutil.wait_procs(family, timeout=20)[1] == []
    assert log.switch().taken == []
