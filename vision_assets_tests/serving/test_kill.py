"""kill -9 before and after every write of a deployment: log, slot and alias agree after it."""

import subprocess
import sys
from pathlib import Path

import pytest

from vision_assets.home import Home
from vision_assets.resources.agreement import agree, champion
from vision_assets.resources.tracking import prepare, set_champion
from vision_assets.serving.deployments import Deployments
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.inference.service.slot import read_slot
from vision_assets_tests.serving.bundles import make_bundle

KILLED_AT_EVERY_WRITE = """
import os, shutil, signal, sys
from pathlib import Path
import mlflow
from vision_assets.home import Home
from vision_assets.resources.tracking import set_champion
from vision_assets.serving.deployments import Deployments

moments, kill_at = 0, 0

def moment():
    global moments
    moments += 1
    if moments == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)

def killable(owner, name):
    write = getattr(owner, name)
    def wrapped(*arguments):
        moment()
        done = write(*arguments)
        moment()
        return done
    setattr(owner, name, wrapped)

for owner, name in (
    (os, "fsync"), (os, "replace"), (mlflow.MlflowClient, "set_registered_model_alias")
):
    killable(owner, name)

def roll_back(home):
    back = Deployments(home.deployments("colours")).rollback("worse", "test")
    set_champion(home, "colours", back.model_id)
    os._exit(0)

pristine, homes = Path(sys.argv[1]), Path(sys.argv[2])
status = -signal.SIGKILL
while status == -signal.SIGKILL:
    kill_at += 1
    home = Home(Path(shutil.copytree(pristine, homes / str(kill_at))))
    child = os.fork() or roll_back(home)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
sys.exit(status)
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with two deployments, the second of which is the champion."""
    home = Home(tmp_path / "pristine")
    import mlflow

    client = mlflow.MlflowClient(prepare(home, "colours"))
    client.create_registered_model("colours")
    log = Deployments(home.deployments("colours"))
    for gain in (2.0, 3.0):
        folder = make_bundle(home.bundles("colours"), gain=gain)
        model_id = Bundle.load(folder).card.model_id
        client.create_model_version("colours", str(folder), tags={"model_id": model_id})
        log.deploy(folder.name, folder, f"colours:{folder.name}", "better", by="test")
        set_champion(home, "colours", model_id)
    return home


def test_where_all_is_well_nothing_is_repaired(home: Home):
    assert agree(home, "colours") == []


def test_nothing_deployed_agrees_with_nothing(tmp_path: Path):
    assert agree(Home(tmp_path), "colours") == []
    assert list(tmp_path.iterdir()) == []


def test_a_lost_alias_is_named_again(home: Home):
    import mlflow

    mlflow.MlflowClient(prepare(home)).delete_registered_model_alias("colours", "champion")
    (repaired,) = agree(home, "colours")
    assert "the champion, as the log says" in repaired
    assert agree(home, "colours") == []


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_killed_before_or_after_any_write_the_log_is_the_truth(home: Home, tmp_path: Path):
    homes = tmp_path / "homes"
    command = [sys.executable, "-c", KILLED_AT_EVERY_WRITE, home.root, homes]
    subprocess.run(command, check=True)
    repaired = [_repaired(Home(root)) for root in homes.iterdir()]
    assert len(repaired) > 8
    assert {len(each) for each in repaired} == {0, 1, 2}


def _repaired(home: Home) -> list[str]:
    """What the repair did; all agree after it."""
    log = Deployments(home.deployments("colours"))
    repaired = agree(home, "colours")
    current, slot = log.current(), read_slot(log.slot_path)
    assert current is not None
    assert slot == current.slot()
    assert champion(home, "colours") == current.model_id
    return repaired
