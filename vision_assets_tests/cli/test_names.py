"""Names that come from the command line name what is there, and no path."""

import pytest

COMMANDS = (
    *(("status",), ("ingest",), ("run",), ("search",), ("plan",), ("serve",), ("rollback",)),
    *(("suspects",), ("propose",), ("proposals",), ("containerize",), ("reproduce",)),
    *(("dataset", "list"), ("resolve",)),
)
PATHS = ("../steel", "/etc", "..", "steel/../steel", ".")


def _files(folder) -> set[str]:
    return {str(path) for path in folder.rglob("*")}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("name", PATHS)
def test_a_use_case_is_no_path(run, home, monkeypatch, command, name):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(home.parent.parent))
    before = _files(home.parent)
    shown = run(*command, name, code=2)
    assert "Traceback" not in shown.output
    assert _files(home.parent) == before


@pytest.mark.parametrize("name", [*PATHS, "Steel", "a b", "a\nb", ""])
def test_init_writes_no_use_case_of_such_a_name(run, samples, home, name):
    before = _files(home.parent / "defs")
    run("init", name, "--images", samples.folder, code=2)
    assert _files(home.parent / "defs") == before


@pytest.mark.parametrize("bundle", ["../../models", "/etc/passwd", "..", "."])
def test_a_bundle_is_no_path(run, steel, home, samples, bundle):
    stray = home / "bundles" / "steel"
    stray.mkdir(parents=True)
    said = run("score", steel, samples.folder, "--bundle", bundle, code=1).stderr
    assert "has no bundle" in said
    assert run("compare", steel, bundle, "latest", code=1).stderr
    assert run("rollback", steel, "--to", bundle, code=1).stderr
