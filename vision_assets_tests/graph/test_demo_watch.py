"""When the demo ends its watch: once nothing of the use case is on its way any more."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from vision_assets import demo
from vision_assets.assets.runs import retraining_job_name
from vision_assets.home import Home
from vision_assets.project import use_case
from vision_assets.serving.process import free_port
from vision_assets.vision.errors import ServiceError
from vision_assets.vision.use_case import UseCase
from vision_assets_tests.graph.conftest import PARTS_YAML
from vision_assets_tests.graph.receiver import receiving
from vision_assets_tests.graph.ticks import store_all


@pytest.fixture
def refuse_failed(instance: dg.DagsterInstance, parts: UseCase) -> Callable[[str], None]:
    """Lets a run of a job fail, and looks."""

    def look(job: str) -> None:
        instance.add_run(dg.DagsterRun(job_name=job, status=dg.DagsterRunStatus.FAILURE))
        demo._refuse_failed(instance, parts, datetime.now(UTC) - timedelta(minutes=1))

    return look


@pytest.fixture
def is_over(instance: dg.DagsterInstance, home: Home, parts: UseCase) -> Callable[[], bool]:
    return lambda: demo._nothing_is_new(instance, home, parts)


def test_files_that_wait_and_images_that_will_be_trained_on_are_on_their_way(
    is_over: Callable[[], bool], home: Home, parts: UseCase, drop: Callable[[int], None]
) -> None:
    assert is_over()
    drop(8)
    assert not is_over()
    store_all(home, parts)
    assert not is_over()


def test_a_training_that_begins_while_it_looks_is_on_its_way(
    is_over: Callable[[], bool],
    instance: dg.DagsterInstance,
    home: Home,
    parts: UseCase,
    drop: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drop(8)
    store_all(home, parts)
    decide = demo.decision

    def begun_meanwhile(*arguments: Any) -> Any:
        run = dg.DagsterRun(job_name=retraining_job_name(parts), status=dg.DagsterRunStatus.STARTED)
        instance.add_run(run)
        decided = decide(*arguments)
        assert not decided.trains
        return decided

    monkeypatch.setattr(demo, "decision", begun_meanwhile)
    assert not is_over()


def test_a_run_that_failed_ends_the_watch(refuse_failed: Callable[[str], None]) -> None:
    with pytest.raises(ServiceError, match="parts_ingest failed"):
        refuse_failed("parts_ingest")


def test_a_run_of_a_use_case_whose_name_begins_alike_is_not_its_own(
    refuse_failed: Callable[[str], None],
) -> None:
    refuse_failed("parts_detection_ingest")


def test_the_endpoint_of_this_machine_is_asked_without_a_proxy(
    write_yaml: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_yaml(f"{PARTS_YAML}  service: {{port: {free_port()}}}\n")
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"bytes")
    with receiving() as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        with pytest.raises(ServiceError, match="no endpoint answers .*logs/endpoint-parts.log"):
            demo.ask(use_case("parts"), picture)
        assert proxy.requests == []
