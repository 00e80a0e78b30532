"""One trial of a search, as people read it."""

from dataclasses import dataclass
from typing import Any, Literal

State = Literal["running", "finished", "pruned", "failed", "interrupted"]


@dataclass(frozen=True)
class Trial:
    """One trial.

    Attributes:
        number: 0 for the first.
        state: pruned: stopped, as others were better at the same place. failed: the recipe
            could not be trained. interrupted: the search ended; it is tried again by the next.
        params: fields of the recipe and what was tried.
        value: the figure after the training; None where it did not end.
        epochs: how many were trained.
        seconds: how long it took; None while it runs.
        reason: why it failed or was interrupted; empty otherwise.
    """

    number: int
    state: State
    params: dict[str, Any]
    value: float | None
    epochs: int
    seconds: float | None
    reason: str

    @property
    def counts(self) -> bool:
        """Whether it is one of the trials that were asked for."""
        return self.state in ("finished", "pruned", "failed")

    def row(self) -> dict[str, Any]:
        """One row of a table."""
        return {
            "trial": self.number,
            "state": self.state,
            "value": "" if self.value is None else round(self.value, 4),
            **self.params,
            "epochs": self.epochs,
            "seconds": "" if self.seconds is None else round(self.seconds, 1),
            "reason": self.reason,
        }
