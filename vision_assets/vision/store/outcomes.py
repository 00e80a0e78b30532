"""What an ingest did with each path of a batch."""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """What became of one path."""

    ACCEPTED = "accepted"
    KNOWN = "known"
    LABELLED = "labelled"
    READ = "read"
    QUARANTINED = "quarantined"
    ERASED = "erased"
    CHANGED = "changed"
    VANISHED = "vanished"


FINAL = frozenset(Status) - {Status.CHANGED, Status.VANISHED}
"""Taken for good; the two others come in a later batch, when the file has settled or is back."""


@dataclass(frozen=True)
class Outcome:
    """What became of one path.

    Attributes:
        path: below the landing folder.
        status: accepted: stored, labelled or not. known: stored before, nothing changed.
            labelled: stored before without a label, now with one, or with objects. read: a file of
            annotations, no image. quarantined: refused.
            erased: a person removed this image, it is not stored again. changed, vanished: the
            file is not what the batch lists, or is gone.
        image_id: SHA-256 of the bytes; None where none were read.
        item_id: item of the quarantine.
        reason: why it was refused; a `Reason`.
        detail: the reason in words, with the remedy.
    """

    path: str
    status: Status
    image_id: str | None = None
    item_id: str | None = None
    reason: str | None = None
    detail: str | None = None


KEPT = "kept"
"""Done about what is only told."""


@dataclass(frozen=True)
class FoundFault:
    """What was wrong with an annotation; `kind` and `done` as `AnnotationFault` has them."""

    kind: str
    file: str
    object_index: int | None
    detail: str
    done: str

    @property
    def is_deviation(self) -> bool:
        """Whether what is stored is not what the file says."""
        return self.done != KEPT


@dataclass(frozen=True)
class IngestResult:
    """What one batch did: one outcome per path, in the order of the batch.

    Attributes:
        faults: what was wrong with annotations, each once.
        n_annotated: images of earlier batches that an annotation file of this one speaks of.
    """

    batch_id: str
    outcomes: tuple[Outcome, ...]
    seconds: float
    faults: tuple[FoundFault, ...] = ()
    n_annotated: int = 0

    @property
    def counts(self) -> dict[str, int]:
        """Paths per status."""
        return dict(Counter(outcome.status.value for outcome in self.outcomes))

    @property
    def fault_counts(self) -> dict[tuple[str, str], int]:
        """Faults per kind and what was done, most first."""
        return dict(Counter((fault.kind, fault.done) for fault in self.faults).most_common())

    @property
    def images_per_s(self) -> float:
        """Paths per second of wall time."""
        return len(self.outcomes) / self.seconds if self.seconds else 0.0
