"""A process of its own that trains one recipe after another, and asks whether to go on."""

import os
import signal
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pandas as pd

from vision_assets.vision.errors import VisionAssetsError
from vision_assets.vision.spec import ClassSpec
from vision_assets.vision.tasks.task import Task
from vision_assets.vision.training.pixels import ReadBytes
from vision_assets.vision.training.progress import EpochReport

_STOP_S = 10


@dataclass(frozen=True)
class Training:
    """What all trials train on; travels to the workers, so `read` can be pickled.

    Attributes:
        task: the plug-in.
        rows: manifest rows of the train and the val split.
        read: gives the bytes of images.
        classes: in the order of the scores.
        dataset: `name` and `fingerprint` of the dataset version.
    """

    task: Task
    rows: pd.DataFrame
    read: ReadBytes
    classes: Sequence[ClassSpec]
    dataset: dict[str, str]


@dataclass(frozen=True)
class Finished:
    """A training ended; these are the figures of its model."""

    metrics: dict[str, float]


@dataclass(frozen=True)
class Stopped:
    """A training was told not to go on."""


@dataclass(frozen=True)
class Failed:
    """A recipe could not be trained."""

    reason: str


Message = EpochReport | Finished | Stopped | Failed


class Worker:
    """The other end of a worker process; ends it when it is closed.

    Args:
        training: what trials train on.
        threads: cores of each training.
        scratch: folder for models, which are removed at once.
    """

    def __init__(self, training: Training, threads: int, scratch: Path) -> None:
        context = get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_work, args=(theirs, training, threads, scratch), daemon=True
        )
        self._process.start()
        theirs.close()

    def train(self, recipe: dict[str, Any]) -> None:
        """Let it train; messages come over the connection, each epoch waits for an answer."""
        self.connection.send(recipe)

    def receive(self) -> Message:
        """Its next message; one that it died is made up for it."""
        try:
            return self.connection.recv()
        except (EOFError, ConnectionResetError):
            self._process.join()
            return Failed(f"its process ended with exit code {self._process.exitcode}")

    def answer(self, go_on: bool) -> None:
        """Whether the training that reported an epoch shall go on."""
        self.connection.send(go_on)

    @property
    def alive(self) -> bool:
        """Whether it can take another recipe."""
        return self._process.is_alive()

    def close(self) -> None:
        """End the process, whatever it does."""
        self._process.terminate()
        self._process.join(_STOP_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self.connection.close()
        self._process.close()


class _Pruned(Exception):
    """The search said not to go on."""


def _work(connection: Connection, training: Training, threads: int, scratch: Path) -> None:
    """Train recipes as they come, until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            recipe = connection.recv()
        except EOFError:
            return
        connection.send(_train(connection, training, recipe, threads, scratch))


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)


def _train(
    connection: Connection,
    training: Training,
    recipe: dict[str, Any],
    threads: int,
    scratch: Path,
) -> Message:
    from vision_assets.vision.training.fit import fit

    def on_epoch(report: EpochReport) -> None:
        connection.send(report)
        if not connection.recv():
            raise _Pruned

    try:
        with tempfile.TemporaryDirectory(dir=scratch) as models:
            trained = fit(
                training.task,
                training.rows,
                training.read,
                training.task.recipe_type.model_validate(recipe),
                training.classes,
                Path(models),
                training.dataset,
                on_epoch,
                threads,
                resume=False,
            )
    except _Pruned:
        return Stopped()
    except (VisionAssetsError, OSError, ValueError, RuntimeError, MemoryError) as error:
        return Failed(f"{type(error).__name__}: {error}")
    return Finished(trained.metrics)
