"""Two use cases, one training at a time: what `dagster.yaml` bounds, seen in real runs."""

import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from vision_assets.assets.cause import BY_TAG, REASON_TAG
from vision_assets.execution import instance
from vision_assets.home import Home
from vision_assets.project import use_case
from vision_assets.serving.process import free_port
from vision_assets.stack import Ports, Stack
from vision_assets_tests.drawing import draw_jpeg
from vision_assets_tests.graph.conftest import PARTS_YAML

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

NAMES = ("parts", "panels")
DEADLINE_S = 1000


@pytest.fixture
def two_use_cases(home: Home, write_yaml: Callable[..., Path]) -> None:
    """Each with enough images in its landing folder for a training."""
    for name in NAMES:
        text = PARTS_YAML.replace("landing/parts", f"landing/{name}")
        write_yaml(f"{text}  service: {{port: {free_port()}}}\n", name)
        landing = home.landing(use_case(name).spec.source.landing)
        for index in range(24):
            label = ("good", "scratch")[index % 2]
            path = landing / label / f"{index}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(draw_jpeg(index, label))


def _trainings(dagster: dg.DagsterInstance) -> list[dg.RunRecord]:
    jobs = {f"{name}_retrain" for name in NAMES}
    found = dagster.get_run_records(ascending=True)
    return [record for record in found if record.dagster_run.job_name in jobs]


def test_trainings_of_two_use_cases_run_one_after_the_other(
    home: Home, two_use_cases: None
) -> None:
    deadline = time.monotonic() + DEADLINE_S
    with Stack(home, Ports(free_port(), free_port())) as stack, instance(home) as dagster:
        while time.monotonic() < deadline:
            stack.tick()
            records = _trainings(dagster)
            if len(records) == 2 and all(record.dagster_run.is_finished for record in records):
                break
            time.sleep(1)
        records = sorted(_trainings(dagster), key=lambda record: record.start_time or 0.0)
    assert [record.dagster_run.status for record in records] == [dg.DagsterRunStatus.SUCCESS] * 2
    first, second = records
    assert first.end_time is not None
    assert second.start_time is not None
    assert second.create_timestamp.timestamp() < first.end_time, "the second had to wait"
    assert second.start_time >= first.end_time
    assert [record.dagster_run.tags[REASON_TAG] for record in records] == [
        "24 new labelled images, 4 were asked for"
    ] * 2
    assert {record.dagster_run.tags[BY_TAG] for record in records} == {"trigger: images"}
