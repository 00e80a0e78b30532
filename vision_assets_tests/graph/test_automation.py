"""The sensor of new images: each batch once, nothing for nothing."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import dagster as dg
import pytest

from vision_assets.assets.runs import ingest_job_name, retraining_job_name
from vision_assets.automation import new_images as sensor_module
from vision_assets.automation.new_images import new_images
from vision_assets.definitions import defs
from vision_assets.home import Home
from vision_assets.vision.spec import BatchSpec
from vision_assets.vision.use_case import UseCase
from vision_assets_tests.graph.ticks import record, store_all, tick


def test_nothing_in_the_landing_folder_requests_nothing(
    parts: UseCase, instance: dg.DagsterInstance
) -> None:
    assert not tick(new_images(parts), instance).run_requests


def test_settled_files_are_requested_as_a_batch(
    parts: UseCase, instance: dg.DagsterInstance, drop: Callable[[int], None], home: Home
) -> None:
    drop(3)
    requests = tick(new_images(parts), instance).run_requests or []
    assert len(requests) == 1
    assert len(list(home.batches("parts").glob("*.json"))) == 1


def test_after_a_long_look_for_nothing_the_sensor_rests(
    parts: UseCase,
    instance: dg.DagsterInstance,
    drop: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sensor_module, "RESTS", 1e9)
    resting = tick(new_images(parts), instance).cursor
    assert resting is not None
    assert 200 < float(resting) - time.time() <= sensor_module.MAX_REST_S
    drop(3)
    assert not tick(new_images(parts), instance, cursor=resting).run_requests
    for over in (str(time.time() - 1), str(time.time() + 1e6)):
        assert tick(new_images(parts), instance, cursor=over).run_requests


def test_a_training_holds_up_no_ingest(parts: UseCase) -> None:
    """A run holds all its pools until it ends."""
    repository = defs().get_repository_def()
    ingest, training = (
        {node.pool for node in repository.get_job(name).all_node_defs if node.pool}
        for name in (ingest_job_name(parts), retraining_job_name(parts))
    )
    assert ingest
    assert not ingest & training


def test_a_daemon_that_dies_before_the_request_asks_for_the_same_run_again(
    parts: UseCase, instance: dg.DagsterInstance, drop: Callable[[int], None]
) -> None:
    drop(3)
    keys = [
        [request.run_key for request in tick(new_images(parts), instance).run_requests or []]
        for _ in range(2)
    ]
    assert keys[0] == keys[1] != []


def test_a_batch_that_is_stored_is_not_requested_again(
    parts: UseCase, instance: dg.DagsterInstance, drop: Callable[[int], None], home: Home
) -> None:
    drop(3)
    store_all(home, parts)
    assert not tick(new_images(parts), instance).run_requests


def test_a_failed_batch_is_tried_again_later_and_not_for_ever(
    parts: UseCase,
    instance: dg.DagsterInstance,
    drop: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drop(3)
    monkeypatch.setattr(sensor_module, "RETRY_WAIT_S", 0.0)
    keys = []
    for _ in range(sensor_module.MAX_TRIES + 1):
        for request in tick(new_images(parts), instance).run_requests or []:
            keys.append(request.run_key)
            record(instance, request, "parts_ingest", dg.DagsterRunStatus.FAILURE)
    assert len(keys) == len(set(keys)) == sensor_module.MAX_TRIES


def test_a_run_that_never_started_is_no_try(
    parts: UseCase,
    instance: dg.DagsterInstance,
    drop: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drop(3)
    monkeypatch.setattr(sensor_module, "RETRY_WAIT_S", 0.0)
    for number in range(sensor_module.MAX_TRIES + 3):
        (request,) = tick(new_images(parts), instance).run_requests or []
        assert request.run_key is not None
        assert request.run_key.endswith(f":{number}")
        never = dg.DagsterRun(
            job_name="parts_ingest",
            tags=request.tags,
            status=dg.DagsterRunStatus.FAILURE,
            run_config={},
        )
        instance.add_run(never)


def test_dagster_is_asked_of_no_more_batches_than_are_requested(
    parts: UseCase,
    instance: dg.DagsterInstance,
    drop: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drop(9)
    source = parts.spec.source.model_copy(update={"batch": BatchSpec(max_files=1, max_wait_s=0)})
    case = replace(parts, spec=parts.spec.model_copy(update={"source": source}))
    asked, really = [], sensor_module.runs_of

    def counted(*arguments: Any) -> list[dg.DagsterRun]:
        asked.append(arguments)
        return really(*arguments)

    monkeypatch.setattr(sensor_module, "runs_of", counted)
    requests = tick(new_images(case), instance).run_requests or []
    assert len(asked) == len(requests) == sensor_module.MAX_REQUESTS


def test_fifty_thousand_waiting_files_do_not_make_a_tick_late(
    parts: UseCase, instance: dg.DagsterInstance, home: Home
) -> None:
    folder = home.landing(parts.spec.source.landing) / "ok"
    folder.mkdir()
    for index in range(50_000):
        (folder / f"{index:05d}.jpg").touch()
    began = time.monotonic()
    requests = tick(new_images(parts), instance).run_requests or []
    assert time.monotonic() - began < 30
    assert len(requests) == sensor_module.MAX_REQUESTS
