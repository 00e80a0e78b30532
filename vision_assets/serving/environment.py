"""The clean environment in which Bentos are built, checked and served.

It holds what bentos/requirements.txt says and nothing of training, orchestration or
tracking, so that a Bento that works here works alone.
"""

import hashlib
import os
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path

from vision_assets.command import output_of
from vision_assets.home import Home
from vision_assets.serving.bento_projects import requirements
from vision_assets.vision.atomic import sync_folder
from vision_assets.vision.errors import ServiceError
from vision_assets.vision.file_lock import file_lock

ENVIRONMENTS_VARIABLE = "VISION_ASSETS_ENVIRONMENTS"
_BUILD_TIMEOUT_S = 1800
_PRIVATE_PREFIXES = ("PYTHON", "DAGSTER", "MLFLOW", "BENTOML", "VIRTUAL_ENV", "VISION_ASSETS")


def ensure_environment(home: Home) -> Path:
    """The Python of the clean environment, which is built once, on first use.

    The environment is named by its requirements, so that other requirements get another
    one. It is not movable by its scripts: run modules, `python -m bentoml`.

    Returns:
        The interpreter.

    Raises:
        ServiceError: it cannot be built; the message ends with what pip said.
    """
    folder = environments_folder(home) / _name(requirements())
    python = folder / "bin" / "python"
    if python.exists():
        return python
    with file_lock(folder.with_suffix(".lock"), wait_s=_BUILD_TIMEOUT_S):
        if not python.exists():
            _build(folder)
    return python


def environments_folder(home: Home) -> Path:
    """Where environments are kept; VISION_ASSETS_ENVIRONMENTS lets homes share them."""
    named = os.environ.get(ENVIRONMENTS_VARIABLE)
    return Path(named).absolute() if named else home.environments


def clean_variables(**more: str) -> dict[str, str]:
    """The variables for a process in the clean environment: nothing of ours leaks into it."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(_PRIVATE_PREFIXES)
    }
    fixed = {
        "PYTHONNOUSERSITE": "1",
        "PYTHONUNBUFFERED": "1",
        "BENTOML_DO_NOT_TRACK": "True",
        "OMP_NUM_THREADS": "1",
    }
    return kept | fixed | more


def _name(requirements_txt: Path) -> str:
    digest = hashlib.sha256(requirements_txt.read_bytes())
    digest.update(f"{sysconfig.get_platform()} {sys.version_info[:3]}".encode())
    return digest.hexdigest()[:16]


def _build(folder: Path) -> None:
    prefix = f".{folder.name}-"
    for left_by_a_kill in folder.parent.glob(f"{prefix}*"):
        shutil.rmtree(left_by_a_kill)
    building = Path(tempfile.mkdtemp(prefix=prefix, dir=folder.parent))
    try:
        _run([sys.executable, "-m", "venv", str(building)])
        _run([str(building / "bin" / "python"), *_install(requirements())])
        building.chmod(0o755)
        os.sync()  # once for all files, before the rename makes them the environment
        replaced = folder.with_name(f"{prefix}replaced")
        if folder.exists():  # its Python is gone: the link in it leads to nowhere
            folder.rename(replaced)
        building.rename(folder)
        sync_folder(folder.parent)
        shutil.rmtree(replaced, ignore_errors=True)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _install(requirements_txt: Path) -> list[str]:
    options = ["--quiet", "--no-input", "--disable-pip-version-check"]
    hashed = ["--no-deps", "--require-hashes", "-r", str(requirements_txt)]
    return ["-m", "pip", "install", *options, *hashed]


def _run(command: list[str]) -> None:
    def failed(how: str) -> ServiceError:
        return ServiceError(
            "the clean environment cannot be built, which needs a package index or a folder of "
            f"wheels: `{' '.join(command)}` {how}"
        )

    output_of(command, _BUILD_TIMEOUT_S, failed, env=clean_variables())


if __name__ == "__main__":
    ensure_environment(Home.from_environment())
