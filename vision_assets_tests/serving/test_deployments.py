"""The deployment log and the slot that follows from it."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from threading import Timer

import pytest

from vision_assets.serving.deployments import Deployments
from vision_assets.vision.errors import BundleError, DeploymentError
from vision_assets.vision.inference.service.slot import Acknowledgement, acknowledge, read_slot
from vision_assets_tests.serving.bundles import make_bundle


@pytest.fixture
def bundles(tmp_path: Path) -> list[Path]:
    return [make_bundle(tmp_path / "home/bundles/colours", gain=gain) for gain in (2.0, 3.0, 4.0)]


@pytest.fixture
def log(tmp_path: Path) -> Deployments:
    return Deployments(tmp_path / "home/deployments/colours")


def deploy(log: Deployments, folder: Path, why: str = "better"):
    return log.deploy(folder.name, folder, f"colours:{folder.name}", why, by="test")


def log_file(log: Deployments) -> Path:
    return log.slot_path.with_name("log.jsonl")


def test_nothing_is_deployed_at_first(log: Deployments):
    assert (log.current(), log.history(), log.repair()) == (None, [], [])
    assert not log.slot_path.parent.exists()


def test_a_deployment_is_logged_and_the_slot_follows(log, bundles):
    deployment = deploy(log, bundles[0])
    assert log.current() == deployment
    assert (deployment.sequence, deployment.previous, deployment.why) == (1, None, "better")
    assert deployment.dataset == {"name": "v0001-abc", "fingerprint": "abc"}
    assert read_slot(log.slot_path) == deployment.slot()
    assert log.bundle_folder(deployment) == bundles[0]


def test_the_log_keeps_what_answered_before(log, bundles):
    for folder in bundles:
        deploy(log, folder)
    assert [d.bundle_id for d in log.history()] == [folder.name for folder in bundles]
    assert [d.previous for d in log.history()] == [None, bundles[0].name, bundles[1].name]


def test_a_retry_changes_nothing(log, bundles):
    first = deploy(log, bundles[0])
    assert deploy(log, bundles[0], why="again") == first
    assert len(log.history()) == 1


def test_a_rollback_is_a_deployment_of_the_one_before(log, bundles):
    deploy(log, bundles[0])
    deploy(log, bundles[1])
    back = log.rollback(why="too many escapes", by="a person")
    assert (back.sequence, back.bundle_id, back.previous) == (3, bundles[0].name, bundles[1].name)
    assert back.bento_tag == f"colours:{bundles[0].name}"
    assert read_slot(log.slot_path).bundle_id == bundles[0].name


def test_a_rollback_goes_to_any_bundle_that_answered_before(log, bundles):
    for folder in bundles:
        deploy(log, folder)
    back = log.rollback("worse", "a person", to=bundles[0].name)
    assert (back.bundle_id, back.previous) == (bundles[0].name, bundles[2].name)


@pytest.mark.parametrize(("to", "why"), [(1, "answers already"), ("nothing", "answered before")])
def test_a_rollback_to_another_bundle_is_refused(log, bundles, to: int | str, why: str):
    deploy(log, bundles[0])
    deploy(log, bundles[1])
    with pytest.raises(DeploymentError, match=why):
        log.rollback("worse", "a person", to=bundles[to].name if isinstance(to, int) else to)
    assert len(log.history()) == 2


def test_a_rollback_needs_one_before_that_is_still_there(log, bundles):
    deploy(log, bundles[0])
    with pytest.raises(DeploymentError, match="no deployment before"):
        log.rollback("why", "by")
    deploy(log, bundles[1])
    shutil.rmtree(bundles[0])
    with pytest.raises(DeploymentError, match="cannot go back"):
        log.rollback("why", "by")
    assert log.current().bundle_id == bundles[1].name


def test_a_damaged_or_a_wrong_bundle_is_not_deployed(log, bundles):
    with pytest.raises(DeploymentError, match="expected bundle"):
        log.deploy("0" * 12, bundles[0], "colours:0", "why", "by")
    (bundles[0] / "model.onnx").write_bytes(b"x")
    with pytest.raises(BundleError):
        deploy(log, bundles[0])
    assert log.history() == []


def test_a_line_that_was_cut_off_never_happened(log, bundles):
    first = deploy(log, bundles[0])
    whole = log_file(log).read_bytes()
    log_file(log).write_bytes(whole + whole[:57])
    assert log.current() == first
    assert log.repair() == ["dropped 57 bytes of a deployment that was cut off"]
    assert log_file(log).read_bytes() == whole


def test_a_deployment_after_a_cut_off_line_starts_on_a_line_of_its_own(log, bundles):
    deploy(log, bundles[0])
    with log_file(log).open("ab") as file:
        file.write(b'{"schema_version":1,"seq')
    deploy(log, bundles[1])
    assert [d.sequence for d in log.history()] == [1, 2]


def test_a_damaged_line_in_the_middle_is_an_error_and_stays(log, bundles):
    deploy(log, bundles[0])
    whole = log_file(log).read_bytes()
    log_file(log).write_bytes(b"garbage\n" + whole)
    with pytest.raises(DeploymentError, match="line 1 is damaged"):
        deploy(log, bundles[1])
    assert log_file(log).read_bytes() == b"garbage\n" + whole


@pytest.mark.parametrize("slot", [None, b"", b"{", b'{"schema_version": 99}'])
def test_the_slot_is_repaired_from_the_log(log, bundles, slot: bytes | None):
    deployment = deploy(log, bundles[0])
    log.slot_path.unlink() if slot is None else log.slot_path.write_bytes(slot)
    assert log.repair() == [f"switched the slot to {bundles[0].name}, as the log says"]
    assert read_slot(log.slot_path) == deployment.slot()
    assert log.repair() == []


KILLED_BETWEEN = """
import os, signal, sys
from pathlib import Path
from vision_assets.serving import deployments
deployments.write_slot = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
folder, bundle = map(Path, sys.argv[1:])
deployments.Deployments(folder).deploy(bundle.name, bundle, "colours:x", "why", "by")
"""


def test_a_kill_between_log_and_slot_is_repaired(log, bundles):
    deploy(log, bundles[0])
    command = [sys.executable, "-c", KILLED_BETWEEN, log.slot_path.parent, bundles[1]]
    assert subprocess.run(command, check=False).returncode == -9
    assert read_slot(log.slot_path).bundle_id == bundles[0].name
    assert log.current().bundle_id == bundles[1].name
    assert log.repair() == [f"switched the slot to {bundles[1].name}, as the log says"]
    assert read_slot(log.slot_path).bundle_id == bundles[1].name


def test_the_home_can_move(log, bundles, tmp_path):
    deploy(log, bundles[0])
    (tmp_path / "home").rename(tmp_path / "elsewhere")
    moved = Deployments(tmp_path / "elsewhere/deployments/colours")
    assert moved.bundle_folder(moved.current()).is_dir()
    slot = read_slot(moved.slot_path)
    assert (moved.slot_path.parent / slot.bundle / "model.onnx").is_file()
    assert str(tmp_path) not in log_file(moved).read_text()


def worker(name: str, sequence: int, refused: str | None = None) -> Acknowledgement:
    return Acknowledgement(
        worker=name, sequence=sequence, bundle_id="x", source="slot", refused=refused
    )


def test_a_switch_is_done_when_every_worker_has_acknowledged(log, bundles):
    deploy(log, bundles[0])
    deploy(log, bundles[1])
    acknowledge(log.slot_path, worker("a", 2))
    acknowledge(log.slot_path, worker("b", 1))
    assert not log.wait_for_workers(timeout_s=0.2).done
    acknowledge(log.slot_path, worker("b", 2, refused="damaged"))
    switch = log.wait_for_workers(timeout_s=5)
    assert [w.worker for w in switch.taken] == ["a"]
    assert [w.worker for w in switch.refused] == ["b"]


@pytest.mark.parametrize(("slot_poll_s", "silent_s"), [(1.0, 9.5), (2.0, 15.0)])
def test_a_worker_that_ran_is_waited_for_while_it_is_silent(
    log, bundles, slot_poll_s: float, silent_s: float
):
    deploy(log, bundles[0])
    loading = acknowledge(log.slot_path, worker("loading", 0))
    looked_s = time.time() - silent_s
    os.utime(loading, (looked_s, looked_s))
    switch = log.wait_for_workers(0.1, slot_poll_s)
    assert [w.worker for w in switch.pending] == ["loading"]


def test_a_worker_that_has_stopped_is_not_waited_for(log, bundles):
    deploy(log, bundles[0])
    stopped = acknowledge(log.slot_path, worker("stopped", 0))
    Timer(0.3, stopped.unlink).start()
    assert log.wait_for_workers(timeout_s=20).done


def test_a_worker_that_went_silent_is_not_waited_for(log, bundles):
    deploy(log, bundles[0])
    gone = acknowledge(log.slot_path, worker("gone", 0))
    os.utime(gone, (0, 0))
    assert log.switch().done
    acknowledge(log.slot_path, worker("new", 1))
    assert not gone.exists()
