"""init, sample and doctor, and what the command line loads."""

import json
import subprocess
import sys

import pytest

from vision_assets.cli import app
from vision_assets.cli.servers import use_case_of
from vision_assets.project import use_case
from vision_assets.vision.samples.write import write_samples
from vision_assets.vision.tasks import registry
from vision_assets.vision.tasks.registry import register
from vision_assets_tests.vision.tasks.toy.component import NAME, PACKAGE

HEAVY = ("torch", "dagster", "lance", "pandas", "mlflow", "bentoml", "great_expectations")
COMMANDS = (
    *("init", "sample", "demo", "doctor", "status", "ingest", "run", "dataset", "label"),
    *("resolve", "remove", "up", "serve", "predict", "rollback"),
)


def test_help_loads_nothing_heavy():
    code = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from vision_assets.cli import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(run, command):
    assert "Usage:" in run(command, "--help").stdout


def test_a_demo_of_a_folder_is_of_that_folder(run, home):
    folders = [home.parent / place / "images" for place in "ab"]
    for seed, folder in enumerate(folders):
        write_samples(folder, 20, seed=seed)
    names = [use_case_of(folder, None) for folder in (*folders, *folders)]
    assert names == ["demo_images", "demo_images_2"] * 2
    landings = [use_case(name).spec.source.landing for name in names]
    assert landings == [str(folder) for folder in folders] * 2


def test_every_command_is_registered_once():
    names = [command.name for command in app.registered_commands]
    assert len(names) == len(set(names))


def test_an_unknown_command_is_wrong_usage(run):
    run("frobnicate", code=2)


def test_sample_draws_what_it_says(run_json, tmp_path):
    said = run_json("sample", "--to", tmp_path / "drawn", "--n", 20, "--seed", 1)
    assert said["n_files"] == len(list((tmp_path / "drawn").iterdir())) > 20


def test_clean_samples_have_no_warts(run_json, tmp_path):
    said = run_json("sample", "--to", tmp_path / "drawn", "--n", 8, "--clean")
    assert said["n_files"] == 8
    assert said["broken"] == said["conflicts"] == []


def test_init_writes_a_use_case_that_loads(steel, run_json, samples):
    assert run_json("status", steel)[steel]["waiting"] == samples.n_files


def test_init_says_what_it_found(run, samples):
    output = run("init", "steel", "--images", samples.folder, "--dry-run").stdout
    assert "values of camera" in output
    assert samples.broken[0] in output


def test_init_in_the_home_writes_a_path_that_moves_with_it(steel, home):
    text = (home.parent / "defs" / "steel" / "defs.yaml").read_text()
    assert "landing: landing/steel\n" in text


def test_a_dry_run_writes_nothing(run, samples, home):
    run("init", "steel", "--images", samples.folder, "--dry-run")
    assert not list((home.parent / "defs").iterdir())


def test_init_overwrites_nothing(steel, run, samples):
    result = run("init", steel, "--images", samples.folder, code=2)
    assert "not overwritten" in result.stderr
    assert "Traceback" not in result.output


def test_an_unknown_task_names_those_that_exist(run, samples):
    result = run("init", "steel", "--images", samples.folder, "--task", "magic", code=2)
    assert "classification" in result.stderr


@pytest.mark.parametrize(
    ("task", "gate"), [("segmentation", "mean_iou, min: 0.5"), ("toy", "accuracy, min: 0.0")]
)
def test_init_writes_a_use_case_of_the_task_that_is_named(task, gate, run, samples, home):
    register(NAME, PACKAGE)
    run("init", "steel", "--images", samples.folder, "--task", task)
    assert use_case("steel").task == task
    text = (home.parent / "defs" / "steel" / "defs.yaml").read_text()
    assert f"  #   - {{metric: {gate}}}\n" in text


def test_a_task_without_a_component_says_where_one_belongs(run, samples, tmp_path, monkeypatch):
    (tmp_path / "counting").mkdir()
    (tmp_path / "counting" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(registry, "_registered", {})
    register("count", "counting")
    result = run("init", "steel", "--images", samples.folder, "--task", "count", code=2)
    assert str(tmp_path / "counting" / "component.py") in result.stderr


def test_doctor_finds_this_machine_fit(run_json):
    verdicts = {check["name"]: check["verdict"] for check in run_json("doctor")}
    assert verdicts["Python"] == verdicts["packages"] == verdicts["home"] == "ok"


def test_doctor_changes_nothing(run, home):
    run("doctor")
    assert not home.exists()


def test_doctor_finds_a_wrong_yaml(run, home):
    folder = home.parent / "defs" / "wrong"
    folder.mkdir()
    (folder / "defs.yaml").write_text(
        "type: vision_assets.ClassificationPipeline\nattributes: {source: {landnig: x}}\n"
    )
    checks = json.loads(run("doctor", "--json", code=1).stdout)
    problem = next(check for check in checks if check["verdict"] == "problem")
    assert problem["name"] == "use case wrong"
    assert "landnig" in problem["found"]


def test_doctor_finds_a_home_that_cannot_be_made(run, home):
    home.write_text("a file where the home should be")
    assert "get the right to write" in run("doctor", code=1).stdout


def test_doctor_finds_a_quota_that_is_used_up(run, home, monkeypatch):
    home.mkdir()
    (home / "file").write_bytes(bytes(2_000_000))
    monkeypatch.setenv("VISION_ASSETS_QUOTA_GB", "0.001")
    disk = _check(json.loads(run("doctor", "--json", code=1).stdout), "disk")
    assert disk["verdict"] == "problem"
    assert "the quota of VISION_ASSETS_QUOTA_GB is used up" in disk["found"]
    monkeypatch.setenv("VISION_ASSETS_QUOTA_GB", "plenty")
    disk = _check(json.loads(run("doctor", "--json", code=1).stdout), "disk")
    assert "number of gigabytes, got 'plenty'" in disk["found"]


def test_doctor_finds_alerts_that_nobody_took(run, run_json, home, monkeypatch):
    from vision_assets.automation.outbox import Outbox
    from vision_assets.automation.webhook import URL_VARIABLE, Webhook

    assert "nobody is told" in _check(run_json("doctor"), "webhook")["found"]
    monkeypatch.setenv(URL_VARIABLE, "http://127.0.0.1:9/hook")
    outbox = Outbox(home / "alerts")
    outbox.put("r1", {"id": "r1", "use_case": "steel", "what": "run r1"})
    outbox.deliver(Webhook("http://127.0.0.1:9/hook").post)
    found = _check(json.loads(run("doctor", "--json", code=1).stdout), "webhook")
    assert found["verdict"] == "problem"
    assert "not delivered: 1" in found["found"]


def _check(checks, name):
    (found,) = (check for check in checks if check["name"] == name)
    return found
