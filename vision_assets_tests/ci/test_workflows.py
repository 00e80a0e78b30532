"""The workflow files run the chores of the Makefile, with the least rights."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
_CHORE = re.compile(r"^([a-z-]+):", re.MULTILINE)
_MAKE = re.compile(r"make ((?:[a-z-]+ ?)+)")
BEYOND_CI_RUN = {"audit"}
"""The audit needs a database of advisories, which not every machine reaches."""


@pytest.fixture(params=FILES, ids=lambda path: path.name)
def workflow(request: pytest.FixtureRequest) -> dict[Any, Any]:
    return yaml.safe_load(request.param.read_text())


def _steps(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def _chores(text: str) -> set[str]:
    return {chore for found in _MAKE.findall(text) for chore in found.split()}


def test_there_are_workflows() -> None:
    assert {path.name for path in FILES} == {"ci.yml", "plan.yml"}


def test_the_token_may_read_and_no_more(workflow) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    more = [job["permissions"] for job in workflow["jobs"].values() if "permissions" in job]
    assert more in ([], [{"pull-requests": "write"}])


def test_the_job_that_may_write_runs_no_code_of_the_pull_request(workflow) -> None:
    writers = [job for job in workflow["jobs"].values() if "permissions" in job]
    used = [step.get("uses", "") for job in writers for step in job["steps"]]
    assert not [action for action in used if action.startswith("actions/checkout")]


def test_no_text_of_a_stranger_is_put_into_a_script(workflow) -> None:
    scripts = [step["run"] for step in _steps(workflow) if "run" in step]
    assert scripts
    assert [text for text in scripts if "${{ github" in text] == []


def test_pull_requests_run_with_their_own_rights(workflow) -> None:
    assert "pull_request_target" not in workflow[True]


def test_every_action_is_one_of_github_with_a_version(workflow) -> None:
    used = [step["uses"] for step in _steps(workflow) if "uses" in step]
    assert [name for name in used if not re.fullmatch(r"actions/[a-z-]+@v\d+", name)] == []


def test_checkouts_leave_no_token_behind(workflow) -> None:
    checkouts = [s for s in _steps(workflow) if s.get("uses", "").startswith("actions/checkout")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_every_job_ends_by_itself(workflow) -> None:
    assert all(job["timeout-minutes"] <= 90 for job in workflow["jobs"].values())


def test_in_the_script_no_test_is_skipped_for_want_of_real_images() -> None:
    before_chores = (ROOT / ".ci" / "run").read_text().split("make ")[0]
    assert "\nexport CI=true\n" in before_chores


def test_the_script_asks_for_the_folder_of_real_images(tmp_path: Path) -> None:
    done = subprocess.run(
        [ROOT / ".ci" / "run"],
        env=os.environ | {"VISION_ASSETS_TEST_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "neu-steel/" in done.stderr) == (1, True)


def test_ci_runs_what_the_script_runs() -> None:
    known = set(_CHORE.findall((ROOT / "Makefile").read_text()))
    said = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    chores = _chores("\n".join(step.get("run", "") for step in _steps(said)))
    chores |= set(said["jobs"]["tests"]["strategy"]["matrix"]["chore"])
    script = _chores((ROOT / ".ci" / "run").read_text()) - {"setup"}
    assert chores <= known
    assert chores == script | BEYOND_CI_RUN
