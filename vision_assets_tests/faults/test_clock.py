"""Clocks that are set back or forward: nothing waits for the old time, nothing is taken early.

Where code reads the wall clock, the times that it compares with are moved instead: a file, a
run or a tick of an hour ahead is what is left when the clock is set back by an hour.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    SensorInstigatorData,
)

from vision_assets.automation import new_images as sensor_module
from vision_assets.automation.new_images import new_images
from vision_assets.child import Child
from vision_assets.definitions import defs
from vision_assets.execution import instance, wake_sensors
from vision_assets.home import Home
from vision_assets.resources.home import HomeResource
from vision_assets.stack import Stack
from vision_assets.vision.inference.service.slot import (
    WORKERS_FOLDER,
    Acknowledgement,
    acknowledge,
    acknowledgements,
)
from vision_assets.vision.spec import BatchSpec, SourceSpec
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.landing import waiting, write_batches
from vision_assets.vision.use_case import UseCase
from vision_assets_tests.faults.clock import WallClock, wall_clock

HOUR_S = 3600.0


def _set_time(path: Path, time_s: float) -> None:
    os.utime(path, (time_s, time_s))


@pytest.mark.parametrize("ahead_s", [HOUR_S, -HOUR_S])
def test_files_of_before_the_step_are_taken_at_once(
    home: Home, parts: UseCase, drop: Callable[[int], None], ahead_s: float
) -> None:
    drop(2)
    source = SourceSpec(landing="landing/parts", settle_s=5, batch=BatchSpec(max_wait_s=10))
    landing, store = home.landing(source.landing), ImageStore.open(home.store("parts"))
    now_s = time.time() - ahead_s
    files = waiting(landing, store, source, home.batches("parts"), now_s)
    (batch,) = write_batches(files, source.batch, home.batches("parts"), now_s)
    assert batch.n_files == 2


@pytest.mark.parametrize("ahead_s", [HOUR_S, -HOUR_S])
def test_a_worker_of_before_the_step_is_gone_and_one_that_looks_is_there(
    tmp_path: Path, ahead_s: float
) -> None:
    slot = tmp_path / "slot.json"
    for worker in ("gone", "there"):
        acknowledge(
            slot, Acknowledgement(worker=worker, sequence=1, bundle_id="0" * 12, source="slot")
        )
    _set_time(tmp_path / WORKERS_FOLDER / "gone.json", time.time() + ahead_s)
    assert [each.worker for each in acknowledgements(slot, fresh_s=10)] == ["there"]


def test_a_batch_that_failed_before_the_clock_was_set_back_is_tried_again(
    home: Home, parts: UseCase, drop: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(2)
    with dg.DagsterInstance.local_temp() as dagster:
        (request,) = _look(parts, dagster)
        dagster.add_run(
            dg.DagsterRun(
                job_name="parts_ingest",
                tags=request.tags,
                status=dg.DagsterRunStatus.FAILURE,
                run_config={},
            )
        )
        assert _look(parts, dagster) == []
        real = time.time
        monkeypatch.setattr(sensor_module.time, "time", lambda: real() - HOUR_S)
        assert len(_look(parts, dagster)) == 1


def _look(case: UseCase, dagster: dg.DagsterInstance) -> list[dg.RunRequest]:
    with dg.build_sensor_context(instance=dagster, resources={"home": HomeResource()}) as context:
        return list(new_images(case).evaluate_tick(context).run_requests or [])


def _last_look_s(home: Home, state: InstigatorState) -> float:
    with instance(home) as dagster:
        found = dagster.get_instigator_state(state.instigator_origin_id, state.selector_id)
        assert found is not None
        assert isinstance(found.instigator_data, SensorInstigatorData)
        return found.instigator_data.last_tick_timestamp or 0.0


@pytest.fixture
def looked_later(home: Home, parts: UseCase) -> InstigatorState:
    """A sensor whose last tick was an hour from now."""
    from dagster._core.remote_origin import (
        InProcessCodeLocationOrigin,
        RemoteInstigatorOrigin,
        RemoteRepositoryOrigin,
    )
    from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

    target = LoadableTargetOrigin(module_name="vision_assets.definitions")
    location = InProcessCodeLocationOrigin(loadable_target_origin=target)
    origin = RemoteInstigatorOrigin(
        repository_origin=RemoteRepositoryOrigin(location, "__repository__"),
        instigator_name="parts_new_images",
    )
    later_s = time.time() + HOUR_S
    data = SensorInstigatorData(
        last_tick_timestamp=later_s, last_tick_start_timestamp=later_s, cursor="kept"
    )
    state = InstigatorState(origin, InstigatorType.SENSOR, InstigatorStatus.DECLARED_IN_CODE, data)
    with instance(home) as dagster:
        dagster.add_instigator_state(state)
    return state


def test_sensors_look_again_when_the_clock_was_set_back(
    home: Home, looked_later: InstigatorState
) -> None:
    assert "parts_new_images" in [sensor.name for sensor in defs().sensors or ()]
    assert wake_sensors(home) == ["parts_new_images"]
    assert _last_look_s(home, looked_later) <= time.time()
    assert wake_sensors(home) == []


def test_dagster_is_started_again_when_the_clock_was_set_back(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    stack, real = Stack(home, say=said.append), time.time
    command = [sys.executable, "-c", "import time; time.sleep(300)"]
    stack.children["dagster"] = dagster = Child("dagster", command, {}, tmp_path / "log")
    dagster.start()
    for ahead_s in (0.0, HOUR_S, HOUR_S - 30, -30):
        monkeypatch.setattr(time, "time", lambda ahead_s=ahead_s: real() + ahead_s)
        assert said == []
        stack._heed_the_clock()
    assert said == ["the clock was set back by 3600 s; Dagster is started again"]
    assert dagster.process is not None
    assert dagster.process.wait(60) == -signal.SIGKILL
    dagster.join(0)


@pytest.fixture
def clock(tmp_path: Path) -> WallClock:
    made = wall_clock(tmp_path)
    return made or pytest.skip("no C compiler `cc` for a clock of its own")


def _beside(clock: WallClock, code: str, folder: Path | None = None) -> subprocess.Popen[str]:
    """A process that goes by the clock."""
    command = [sys.executable, "-c", code]
    return subprocess.Popen(
        command,
        env=os.environ | clock.variables,
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


TELLS_THE_TIME = """
import threading, time
for _ in iter(input, ""):
    began = time.monotonic()
    time.sleep(0.2)
    threading.Event().wait(0.2)
    print(time.time(), time.monotonic() - began, flush=True)
"""


def test_the_clock_of_the_test_steps_while_processes_run_and_others_do_not(
    clock: WallClock,
) -> None:
    with _beside(clock, TELLS_THE_TIME) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for step_s, ahead_s in ((0, 0), (3600, 3600), (-7200, -3600)):
            clock.step(step_s)
            process.stdin.write("now\n")
            process.stdin.flush()
            told_s, took_s = map(float, process.stdout.readline().split())
            assert told_s == pytest.approx(time.time() + ahead_s, abs=5)
            assert 0.4 <= took_s < 5
        process.communicate("\n")


LOOKS_AT_A_SLOT = """
from pathlib import Path
from vision_assets.vision.inference.service.slot import *
slot = Path("slot.json").absolute()
touch(acknowledge(slot, Acknowledgement(worker="a", sequence=1, bundle_id="b", source="slot")))
print(len(acknowledgements(slot, fresh_s=10)))
"""


@pytest.mark.parametrize("ahead_s", [3600, -3600])
def test_a_worker_on_a_share_whose_clock_is_another_is_there(
    clock: WallClock, tmp_path: Path, ahead_s: int
) -> None:
    clock.step(ahead_s)
    with _beside(clock, LOOKS_AT_A_SLOT, tmp_path) as process:
        assert process.communicate()[0] == "1\n"
