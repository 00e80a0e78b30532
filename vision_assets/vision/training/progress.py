"""How far a training is."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class EpochReport:
    """One epoch of a training.

    Attributes:
        epoch: 1 for the first.
        epochs: how many there will be.
        train_loss: mean over the epoch, with augmentation.
        val_loss: on the val split, without; None where that is empty.
        val_metrics: the task's figures on the val split, such as `accuracy`.
        seconds: since the training began.
        eta_s: estimated seconds until it ends.
        images_per_s: training images a second in this epoch, validation left out.
    """

    epoch: int
    epochs: int
    train_loss: float
    val_loss: float | None
    val_metrics: dict[str, float]
    seconds: float
    eta_s: float
    images_per_s: float

    def metrics(self) -> dict[str, float]:
        """All that is worth a curve by name: `train_loss`, `val_loss`, `val_accuracy`, ..."""
        found = {"train_loss": self.train_loss, "images_per_s": self.images_per_s}
        if self.val_loss is not None:
            found["val_loss"] = self.val_loss
        return found | {f"val_{name}": value for name, value in self.val_metrics.items()}

    def line(self) -> str:
        """One line for a log."""
        said = ", ".join(f"{name} {value:.4g}" for name, value in self.metrics().items())
        return f"epoch {self.epoch}/{self.epochs}: {said}; {self.eta_s:.0f} s to go"

    def to_json(self) -> dict[str, Any]:
        """As model.json keeps it."""
        return asdict(self)


OnEpoch = Callable[[EpochReport], None]
Say = Callable[[str], object]


def ignore_progress(report: EpochReport) -> None:
    """Where nobody watches."""


def say_nothing(text: str) -> None:
    """Where nobody listens."""


def kept_epoch(history: Sequence[EpochReport], keep: str) -> EpochReport:
    """The epoch whose weights are kept: the last one, or the first of the lowest val loss."""
    return history[-1] if keep == "last" else min(history, key=val_loss)


def val_loss(report: EpochReport) -> float:
    """The loss on the val split; infinite where that is empty."""
    return math.inf if report.val_loss is None else report.val_loss
