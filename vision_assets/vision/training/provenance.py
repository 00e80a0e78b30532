"""What code, on what machine, made a model."""

import hashlib
import json
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd

_LIBRARIES = ("torch", "torchvision", "numpy", "onnx", "simplejpeg", "pillow")
_PACKAGE = "vision-assets"
_HERE = Path(__file__)


def code_version() -> str:
    """Version of the package, and the git commit where it runs from a checkout.

    Such as `0.1.0+g1a2b3c4d5e6f`, with `.dirty` behind it when tracked files were changed.
    """
    try:
        package = version(_PACKAGE)
    except PackageNotFoundError:
        package = "0"
    if not _git("ls-files", _HERE.name):
        return package
    changed = ".dirty" if _git("status", "--porcelain", "--untracked-files=no") else ""
    return f"{package}+g{_git('rev-parse', '--short=12', 'HEAD')}{changed}"


def environment(device: str, threads: int) -> dict[str, Any]:
    """Versions and machine, as far as they decide what the weights are."""
    import torch

    on_cuda = device.startswith("cuda")
    return {
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in _LIBRARIES},
        "system": platform.system(),
        "machine": platform.machine(),
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "device": device,
        "device_name": torch.cuda.get_device_name() if on_cuda else platform.machine(),
        "threads": threads,
    }


def data_fingerprint(rows: pd.DataFrame) -> str:
    """SHA-256 over image, class, split and objects of each row, in an order of its own."""
    objects = ["objects"] if "objects" in rows and rows["objects"].notna().any() else []
    listed = rows.loc[:, ["image_id", "class_id", "split", *objects]].sort_values("image_id")
    return fingerprint(listed.astype("string").to_numpy().tolist())


def fingerprint(content: Any) -> str:
    """SHA-256, in hex, of JSON-ready content; the order of keys does not count."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _git(*arguments: str) -> str:
    """Output of a git command, empty where there is no git or no checkout."""
    try:
        done = subprocess.run(  # noqa: S603  fixed arguments
            ["git", *arguments],  # noqa: S607  git of the user's path
            cwd=_HERE.parent,
            capture_output=True,
            text=True,
            timeout=20,
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
