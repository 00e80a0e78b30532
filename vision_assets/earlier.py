"""What the YAML files of use cases said earlier: at a commit of git."""

import shutil
from pathlib import Path

from vision_assets.command import output_of
from vision_assets.vision.errors import SpecError

_TIMEOUT_S = 30
_FILE = "defs.yaml"


def at_commit(defs: Path, ref: str) -> dict[str, str]:
    """The text of each use case's `defs.yaml` at a commit, by the name of the use case.

    Args:
        defs: folder of use cases, in a git work tree.
        ref: anything that git understands as a commit: HEAD, origin/main, v0.1.0.

    Raises:
        SpecError: the folder is in no git work tree, there is no such commit, or git hangs.
    """
    commit = _git(
        *(defs, f"no commit {ref!r}", "rev-parse", "--verify", "--quiet"),
        *("--end-of-options", f"{ref}^{{commit}}"),
    ).strip()
    listed = _git(defs, "no list of files", "ls-tree", "-r", "-z", "--name-only", commit, ".")
    paths = [Path(path) for path in listed.split("\0") if path]
    return {
        path.parent.name: _git(defs, f"no {path}", "show", f"{commit}:./{path}")
        for path in paths
        if path.name == _FILE and len(path.parts) == 2
    }


def _git(folder: Path, wanted: str, *arguments: str) -> str:
    git = shutil.which("git")
    if git is None:
        raise SpecError("expected git, which is not installed; compare with a file: --against FILE")

    def failed(how: str) -> SpecError:
        return SpecError(
            f"git gives {wanted} in {folder}: it {how}; name a commit that is there (`git fetch` "
            "brings others), or a file: --against FILE"
        )

    return output_of([git, "-C", str(folder), *arguments], _TIMEOUT_S, failed)
