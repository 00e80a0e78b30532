"""Workers that measure how long it takes until Dagster knows the graph."""

import time
from pathlib import Path

from benchmarks.work import Figures


def prepare(_worker: str, _folder: Path, _n: int) -> None:
    """Nothing is needed."""


def dagster(_folder: Path, _n: int) -> Figures:
    """What every code location pays."""
    began = time.perf_counter()
    import dagster  # noqa: F401 (its import is what is measured)

    return {"seconds": time.perf_counter() - began}


def definitions(_folder: Path, _n: int) -> Figures:
    """From nothing to the repository that Dagster asks for."""
    began = time.perf_counter()
    from vision_assets.definitions import defs

    defs().get_repository_def()
    return {"seconds": time.perf_counter() - began}
