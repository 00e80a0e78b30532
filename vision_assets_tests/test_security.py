"""What the source may not do: load pickles, start shells, listen to the world. See security.md."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    path for folder in ("vision_assets", "bentos", "docs") for path in (ROOT / folder).rglob("*.py")
)
PICKLES = {"pickle", "marshal", "shelve", "joblib", "dill", "cloudpickle"}
SAFE_OF_PICKLE = {"UnpicklingError"}
"""Naming the error that a refused file raises reads nothing."""
SHELLS = {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"}
SHELLS |= {"eval", "exec", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "pandas.read_pickle"}
LOADERS = {"torch.load": ("weights_only", True), "np.load": ("allow_pickle", False)}


@cache
def _trees() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}


def _nodes(kind: type[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    for path, tree in _trees().items():
        for node in ast.walk(tree):
            if isinstance(node, kind):
                yield f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}", node


def _calls() -> Iterator[tuple[str, str, dict[str, object]]]:
    """Place, dotted name and constant keywords of every call."""
    for place, node in _nodes(ast.Call):
        assert isinstance(node, ast.Call)
        given = {
            each.arg: each.value.value if isinstance(each.value, ast.Constant) else None
            for each in node.keywords
            if each.arg
        }
        yield place, ast.unparse(node.func), given


def test_the_sources_are_found() -> None:
    assert len(SOURCES) > 200


def test_nothing_pickled_is_read() -> None:
    modules = [
        (place, alias.name)
        for place, node in _nodes(ast.Import)
        for alias in node.names  # pyright: ignore[reportAttributeAccessIssue]
        if alias.name.split(".")[0] in PICKLES
    ]
    assert [name for _, name in modules] == ["pickle"], modules
    used = {
        node.attr  # pyright: ignore[reportAttributeAccessIssue]
        for _, node in _nodes(ast.Attribute)
        if ast.unparse(node).split(".")[0] in PICKLES
    }
    assert used <= SAFE_OF_PICKLE


def test_nothing_is_imported_out_of_a_module_of_pickles() -> None:
    found = [
        place
        for place, node in _nodes(ast.ImportFrom)
        if str(node.module).split(".")[0] in PICKLES  # pyright: ignore[reportAttributeAccessIssue]
    ]
    assert found == []


@pytest.mark.parametrize("loader", LOADERS)
def test_loaders_that_could_read_pickles_are_told_not_to(loader: str) -> None:
    keyword, value = LOADERS[loader]
    calls = [(place, given) for place, name, given in _calls() if name == loader]
    assert calls, f"no call of {loader} is left: drop it from this test"
    assert [place for place, given in calls if given.get(keyword) is not value] == []


def test_no_shell_and_no_code_out_of_texts() -> None:
    assert [(place, name) for place, name, _ in _calls() if name in SHELLS] == []
    assert [place for place, _, given in _calls() if given.get("shell")] == []


def test_no_server_is_told_to_listen_beyond_this_machine() -> None:
    texts = [(place, node.value) for place, node in _nodes(ast.Constant)]  # pyright: ignore[reportAttributeAccessIssue]
    assert [place for place, text in texts if text in ("0.0.0.0", "::")] == []
