"""plan: the YAML files of now against those of a commit or of a file."""

import subprocess
from pathlib import Path

import pytest

YAML = """\
type: vision_assets.ClassificationPipeline
attributes: {source: {landing: landing/parts}, recipe: {epochs: 4}}
"""


def _git(folder: Path, *arguments: str) -> None:
    author = ("-c", "user.name=tests", "-c", "user.email=tests@example.org")
    subprocess.run(["git", "-C", str(folder), *author, *arguments], check=True, capture_output=True)


@pytest.fixture
def defs(home: Path) -> Path:
    """A folder of use cases in git, with the use case `parts` committed."""
    folder = home.parent / "defs"
    (folder / "parts").mkdir()
    (folder / "parts" / "defs.yaml").write_text(YAML)
    _git(home.parent, "init", "-q")
    _git(home.parent, "add", "defs")
    _git(home.parent, "commit", "-q", "-m", "parts")
    return folder


def test_what_is_committed_is_unchanged(run, defs):
    assert "unchanged" in run("plan").stdout


def test_a_change_is_planned_with_its_command(run, defs):
    (defs / "parts" / "defs.yaml").write_text(YAML.replace("epochs: 4", "epochs: 9"))
    shown = run("plan", "parts").stdout
    assert "recipe.epochs: 4 → 9" in shown
    assert "nothing was trained in this home" in shown
    assert "vision-assets run parts --select trained_model" in shown


def test_new_and_removed_use_cases_are_seen(run_json, defs):
    (defs / "parts").rename(defs / "others")
    assert {p["use_case"]: p["kind"] for p in run_json("plan")} == {
        "others": "new",
        "parts": "removed",
    }


def test_markdown_is_for_pull_requests(run, defs):
    (defs / "parts" / "defs.yaml").write_text(YAML.replace("epochs: 4", "epochs: 9"))
    shown = run("plan", "--against", "HEAD", "--markdown").stdout
    assert "| trained_model | rebuild | recipe.epochs: 4 → 9 |" in shown


def test_an_older_file_will_do(run_json, defs, tmp_path):
    old = tmp_path / "old.yaml"
    old.write_text(YAML.replace("epochs: 4", "epochs: 2"))
    (plan,) = run_json("plan", "parts", "--against", old)
    assert plan["changes"] == [{"key": "recipe.epochs", "before": 2, "after": 4}]


@pytest.mark.parametrize("ref", ["nowhere", "--upload-pack=touch /tmp/x", "-h"])
def test_a_commit_that_is_not_there_is_told(run, defs, ref):
    assert "no commit" in run("plan", f"--against={ref}", code=2).stderr


def test_a_folder_outside_of_git_is_told(run, home, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(home.parent.parent))
    assert "--against FILE" in run("plan", code=2).stderr


def test_an_unknown_use_case_is_told(run, defs):
    assert "no use case 'nuts'" in run("plan", "nuts", code=2).stderr


def test_a_wrong_yaml_is_told_and_the_others_are_planned(run, defs):
    (defs / "wrong").mkdir()
    (defs / "wrong" / "defs.yaml").write_text(YAML.replace("epochs", "epoch"))
    (defs / "parts" / "defs.yaml").write_text(YAML.replace("epochs: 4", "epochs: 9"))
    shown = run("plan", code=2)
    assert "recipe.epochs: 4 → 9" in shown.stdout
    assert "wrong" in shown.stderr
    assert "epoch" in shown.stderr
    assert "The YAML is wrong" in run("plan", "--markdown", code=2).stdout


def test_a_yaml_that_was_wrong_is_told(run, defs, tmp_path):
    old = tmp_path / "old.yaml"
    old.write_text("type: vision_assets.Nothing")
    assert "the YAML of a use case" in run("plan", "parts", "--against", old, code=2).stderr
