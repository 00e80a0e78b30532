"""What the YAML files of use cases said earlier: at a commit of git."""

import shutil
import subprocess
from pathlib import Path

from vision_assets.vision.errors import SpecError

_TIMEOUT_S = 30
_FILE = "defs.yaml"


def at_commit(defs: Path, ref: str) -> dict[str, str]:
    """The text of each use case's `defs.yaml` at a commit, by the name of the use case.

    Args:
        defs: folder of use cases, in a git work tree.
        ref: anything that git understands as a commit: HEAD, origin/main, v0.1.0.

    Raises:
        SpecError: the folder is in no git work tree, or there is no such commit.
    """
    commit = _git(
        *(defs, f"no commit {ref!r}", "rev-parse", "--verify", "--quiet"),
        *("--end-of-options", f"{ref}^{{commit}}"),
    ).strip()
    listed = _git(defs, "its files", "ls-tree", "-r", "-z", "--name-only", commit, ".")
    paths = [Path(path) for path in listed.split("\0") if path]
    return {
        path.parent.name: _git(defs, str(path), "show", f"{commit}:./{path}")
        for path in paths
        if path.name == _FILE and len(path.parts) == 2
    }


def _git(folder: Path, wanted: str, *arguments: str) -> str:
    git = shutil.which("git")
    if git is None:
        raise SpecError("expected git, which is not installed; compare with a file: --against FILE")
    done = subprocess.run(  # noqa: S603 - our own command line, no shell
        [git, "-C", str(folder), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_S,
    )
    if done.returncode:
        raise SpecError(
            f"git knows {wanted} not in {folder}: {done.stderr.strip() or 'not found'}; name a "
            "commit that is there (`git fetch` brings others), or a file: --against FILE"
        )
    return done.stdout
