"""The audit of requirements says what was proved, and passes over nothing."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "audit.py"
SOUND = {"name": "numpy", "version": "2.0", "vulns": []}
HURT = {
    "name": "jinja2",
    "version": "2.4.1",
    "vulns": [{"id": "PYSEC-2014-8", "fix_versions": ["2.7.2"], "aliases": []}],
}
UNKNOWN = {"name": "numpy", "skip_reason": "not found and could not be audited"}


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("audit", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_packages_without_known_vulnerabilities_pass(script):
    assert script.judge({"dependencies": [SOUND]}) == (0, ["1 packages, no known vulnerability"])


def test_a_vulnerability_fails_and_is_named_with_its_remedy(script):
    code, lines = script.judge({"dependencies": [SOUND, HURT, UNKNOWN]})
    assert (code, lines) == (1, ["jinja2 2.4.1: PYSEC-2014-8, mended in 2.7.2"])


@pytest.mark.parametrize("report", [None, {"dependencies": [SOUND, UNKNOWN]}, {"dependencies": []}])
def test_what_was_not_proved_does_not_pass(script, report):
    code, lines = script.judge(report)
    assert code == 2
    assert "nothing was" in lines[0]
