"""Runs one worker of the benchmarks and prints what it measured as JSON, or prepares it.

python -m benchmarks.work prepare|work SUBJECT.WORKER[:N] FOLDER

A subject is a module of this package; it has a function for each of its workers, and `prepare`.
"""

import importlib
import json
import resource
import sys
from pathlib import Path
from types import ModuleType

Figures = dict[str, float]


def prepare(worker: str, folder: Path) -> None:
    """Make once what a worker needs each time; outside of what is measured."""
    subject, name, n = find(worker)
    subject.prepare(name, folder, n)


def work(worker: str, folder: Path) -> Figures:
    """What a worker measured, with the peak memory of this process."""
    subject, name, n = find(worker)
    figures = getattr(subject, name)(folder, n)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return figures | {"peak_mb": peak_mb}


def find(worker: str) -> tuple[ModuleType, str, int]:
    """Module, function and number; of the modules only the one that is named is imported."""
    called, _, number = worker.partition(":")
    subject, _, name = called.partition(".")
    return importlib.import_module(f"benchmarks.{subject}"), name, int(number or 0)


if __name__ == "__main__":
    _, action, named, place = sys.argv
    print(json.dumps({"prepare": prepare, "work": work}[action](named, Path(place))))
