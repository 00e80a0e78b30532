"""vision-assets status: one line a use case, the worst first; all of one; exit codes."""

import pytest

from vision_assets.vision.migrations.home_version import require_current
from vision_assets.vision.samples.write import write_samples


@pytest.fixture
def broken(home) -> str:
    """A use case whose YAML is wrong."""
    folder = home.parent / "defs" / "broken"
    folder.mkdir()
    (folder / "defs.yaml").write_text(
        "type: vision_assets.ClassificationPipeline\nattributes: {source: {landnig: x}}\n"
    )
    return "broken"


def test_the_worst_use_case_comes_first(steel, broken, run):
    lines = [line for line in run("status").stdout.splitlines() if "│" in line]
    names = [line.split("│")[1].strip() for line in lines]
    assert [name for name in names if name in (steel, broken)] == [broken, steel]


def test_a_wrong_yaml_hides_no_other_use_case(steel, broken, run_json):
    found = run_json("status")
    assert found[broken]["state"] == "broken"
    assert "landnig" in found[broken]["needs"][0]["what"]
    assert found[steel]["images"] == 0


@pytest.mark.parametrize("is_old", [False, True], ids=["now", "in a home without home.json"])
def test_a_torn_file_hides_no_other_use_case(steel, home, run, run_json, is_old):
    run("init", "brass", "--images", write_samples(home / "landing" / "brass", 20, seed=1).folder)
    if not is_old:
        require_current(home)
    version = home / "datasets" / "brass" / "v0001-012345678901"
    version.mkdir(parents=True)
    (version / "version.json").write_text('{"number"')
    run("status", "brass", "--check", code=1)
    run("status", "--check", code=1)
    found = run_json("status")
    assert found["brass"]["state"] == "broken"
    assert "no readable dataset version" in found["brass"]["needs"][0]["what"]
    assert found[steel]["images"] == 0


def test_one_use_case_is_shown_whole(steel, run):
    run("ingest", steel)
    said = run("status", steel).stdout
    for told in ("nothing was deployed yet", "newest image", "needs a person", "free"):
        assert told in said
    assert "vision-assets resolve steel" in said


def test_the_exit_code_is_0_whatever_is_found_but_with_check(steel, run, home):
    require_current(home)
    run("status", steel, "--check")
    run("ingest", steel)
    run("status", steel)
    run("status", steel, "--check", code=1)
    run("status", "--check", code=1)


def test_a_check_where_there_is_no_home_is_told(steel, run, home, monkeypatch):
    monkeypatch.setenv("VISION_ASSETS_HOME", str(home.parent / "elsewhere"))
    for name in ((), (steel,)):
        said = run("status", *name, "--check", code=1).stderr
        assert f"expected a home in {home.parent / 'elsewhere'}, there is none" in said
        assert "set VISION_ASSETS_HOME" in said
        run("status", *name)


def test_a_check_of_an_empty_folder_is_one_of_no_home(run, home):
    home.mkdir()
    assert "there is none" in run("status", "--check", code=1).stderr
    (home / "landing" / "steel").mkdir(parents=True)
    run("status", "--check", code=1)
    require_current(home)
    run("status", "--check")


def test_looking_changes_nothing(steel, run, home):
    before = sorted(home.rglob("*"))
    run("status", steel)
    assert sorted(home.rglob("*")) == before
