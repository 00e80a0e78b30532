"""Many use cases in one home: one that is broken or clashes leaves the others alone."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from vision_assets.assets.broken_use_case import NOUN
from vision_assets.assets.graph import GRAPH
from vision_assets.child import Child
from vision_assets.definitions import defs
from vision_assets.home import Home
from vision_assets.project import broken_use_cases, use_case, use_cases
from vision_assets.stack import Stack
from vision_assets.vision.errors import SpecError
from vision_assets.vision.migrations.home_version import require_current
from vision_assets_tests.graph.conftest import PARTS_YAML

WriteYaml = Callable[..., Path]

BROKEN = {
    "a wrong field": PARTS_YAML.replace("epochs: 2", "epoch: 2"),
    "no YAML": "type: [vision_assets.ClassificationPipeline\n",
    "an unknown component": PARTS_YAML.replace("Classification", "Clasification"),
    "another component": "type: dagster.DefsFolderComponent\n",
    "two of them": f"{PARTS_YAML}---\n{PARTS_YAML}",
    "nothing": "",
    "bytes": "\x00\x01",
}


def _yaml(name: str, port: int) -> str:
    return f"{PARTS_YAML}  service: {{port: {port}}}\n".replace("parts", name)


def _nouns(name: str) -> set[str]:
    keys = defs().resolve_asset_graph().get_all_asset_keys()
    return {key.path[-1] for key in keys if key.path[0] == name}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_one_leaves_the_others_alone(write_yaml: WriteYaml, what: str) -> None:
    write_yaml()
    path = write_yaml(BROKEN[what], "bad")
    assert set(GRAPH) < _nouns("parts")
    assert list(use_cases()) == ["parts"]
    assert str(path) in str(broken_use_cases()["bad"])


def test_one_in_another_encoding_leaves_the_others_alone(write_yaml: WriteYaml) -> None:
    write_yaml()
    path = write_yaml(name="bad")
    path.write_bytes(f"{PARTS_YAML}# Prüfstand 3\n".encode("latin-1"))
    assert (set(GRAPH) < _nouns("parts"), _nouns("bad")) == (True, {NOUN})
    assert f"{path}: line 7: expected UTF-8" in str(broken_use_cases()["bad"])


def test_one_that_is_no_file_leaves_the_others_alone(write_yaml: WriteYaml, project: Path) -> None:
    write_yaml()
    (project / "bad/defs.yaml").mkdir(parents=True)
    assert list(use_cases()) == ["parts"]
    assert "cannot be read" in str(broken_use_cases()["bad"])


def test_one_that_lands_in_the_state_of_the_home_leaves_the_others_alone(
    write_yaml: WriteYaml,
) -> None:
    write_yaml()
    path = write_yaml(_yaml("bad", 3101).replace("landing/bad", "stores/bad"), "bad")
    assert list(use_cases()) == ["parts"]
    assert f"{path}: expected a landing folder of its own" in str(broken_use_cases()["bad"])
    assert (set(GRAPH) < _nouns("parts"), _nouns("bad")) == (True, {NOUN})


def test_a_broken_one_is_an_asset_that_says_why(write_yaml: WriteYaml) -> None:
    path = write_yaml(BROKEN["a wrong field"], "bad")
    assert _nouns("bad") == {NOUN}
    asset = defs().resolve_asset_graph().get(dg.AssetKey(["bad", NOUN]))
    assert f"{path}:4" in (asset.description or "")
    assert "epoch" in (asset.description or "")
    assert asset.group_name == "bad"


def test_its_button_fails_with_the_reason(write_yaml: WriteYaml) -> None:
    write_yaml(BROKEN["a wrong field"], "bad")
    job = defs().resolve_implicit_global_asset_job_def()
    done = job.execute_in_process(
        asset_selection=[dg.AssetKey(["bad", NOUN])], raise_on_error=False
    )
    (failure,) = done.get_step_failure_events()
    assert "epoch" in str(failure.step_failure_data.user_failure_data)


def test_one_in_a_folder_of_a_wrong_name_is_shown_as_well(write_yaml: WriteYaml) -> None:
    write_yaml(name="Bad-Parts 2")
    assert _nouns("Bad_Parts_2") == {NOUN}
    assert "lower case letters" in str(broken_use_cases()["Bad-Parts 2"])


def test_one_that_is_put_right_is_there_again(write_yaml: WriteYaml) -> None:
    write_yaml(BROKEN["a wrong field"])
    assert list(broken_use_cases()) == ["parts"]
    write_yaml()
    assert (list(use_cases()), broken_use_cases()) == (["parts"], {})


@pytest.mark.parametrize(
    ("landing", "port", "said"),
    [
        ("landing/castings", 3101, "source.landing"),
        ("landing/castings/today", 3101, "source.landing"),
        ("landing/./castings", 3101, "source.landing"),
        ("landing/panels", 3100, "service.port"),
    ],
)
def test_two_that_want_the_same_are_refused_and_named(
    write_yaml: WriteYaml, landing: str, port: int, said: str
) -> None:
    write_yaml(_yaml("castings", 3100), "castings")
    write_yaml(_yaml("panels", port).replace("landing/panels", landing), "panels")
    write_yaml(_yaml("wheels", 3102), "wheels")
    assert list(use_cases()) == ["wheels"]
    for name in ("castings", "panels"):
        with pytest.raises(SpecError, match=f"{name}/defs.yaml: {said}.*castings.*panels"):
            use_case(name)


def test_a_link_to_the_landing_folder_of_another_is_the_same_folder(
    write_yaml: WriteYaml, tmp_path: Path
) -> None:
    (tmp_path / "home/landing/castings").mkdir(parents=True)
    (tmp_path / "home/landing/panels").symlink_to("castings")
    write_yaml(_yaml("castings", 3100), "castings")
    write_yaml(_yaml("panels", 3101), "panels")
    assert list(broken_use_cases()) == ["castings", "panels"]


def test_looking_at_twenty_again_costs_no_parsing(write_yaml: WriteYaml) -> None:
    for number in range(20):
        write_yaml(_yaml(f"case_{number}", 3100 + number), f"case_{number}")
    assert len(use_cases()) == 20
    began = time.process_time()
    for _ in range(10):
        use_cases()
    assert time.process_time() - began < 1.0  # parsing them all takes this long once


def _cli(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "vision_assets.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_runs_goes_on_while_the_folder_of_all_is_gone(
    home: Home, project: Path, tmp_path: Path
) -> None:
    said: list[str] = []
    stack = Stack(home, say=said.append)
    command = [sys.executable, "-c", "import time; time.sleep(300)"]
    stack.children["mlflow"] = server = Child("mlflow", command, {}, tmp_path / "log")
    server.start()
    project.rename(tmp_path / "gone")
    stack.tick()
    (told,) = said
    assert "which is no folder" in told
    assert server.process is not None
    assert server.process.poll() is None
    (tmp_path / "gone").rename(project)
    stack.tick()
    assert said == [told]
    server.signal(signal.SIGKILL)
    server.join(0)


def test_status_shows_the_others_and_what_is_broken(write_yaml: WriteYaml, home: Home) -> None:
    home.root.mkdir()
    require_current(home.root)
    write_yaml()
    path = write_yaml(BROKEN["a wrong field"], "bad")
    done = _cli("status", "--json")
    told = json.loads(done.stdout)
    assert told["parts"]["images"] == 0
    assert f"{path}:4" in told["bad"]["needs"][0]["what"]
    assert _cli("status", "--check").returncode == 1


def test_doctor_names_file_line_and_field(write_yaml: WriteYaml) -> None:
    path = write_yaml(BROKEN["a wrong field"], "bad")
    done = _cli("doctor", "--json")
    (found,) = [check for check in json.loads(done.stdout) if check["name"] == "use case bad"]
    assert f"{path}:4" in found["found"]
    assert "epoch" in found["found"]
    assert (found["verdict"], done.returncode) == ("problem", 1)
