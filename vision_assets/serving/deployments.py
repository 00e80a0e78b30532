"""The deployments of a use case: an append-only log, and the slot that follows from it.

    <home>/deployments/<use_case>/
      log.jsonl    one deployment a line, only ever appended to; the truth
      slot.json    what running services answer with: the last line, projected
      workers/     what each worker made of the slot
      lock         held by the one writer

The line is on disk before the slot is switched; a kill in between leaves the slot behind,
and the next writer, or `repair`, brings it up. Paths are relative to the folder, so that
the home can move.
"""

import errno
import math
import os
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from vision_assets.vision.atomic import room_for, sync_folder
from vision_assets.vision.errors import BundleError, DeploymentError, DiskFull
from vision_assets.vision.file_lock import file_lock
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.inference.service.slot import (
    Acknowledgement,
    Slot,
    acknowledgements,
    read_slot,
    write_slot,
)

_LOCK_WAIT_S = 30
_POLL_S = 0.1
_LOOKS = 10
"""A worker that has not looked at the slot for so many of its looks is gone."""


class Deployment(BaseModel):
    """One line of the log.

    Attributes:
        sequence: position in the log, from 1.
        bundle_id: the bundle that answers from `since` on.
        bundle: its folder, relative to the folder of the log.
        bento_tag: the Bento that carries it.
        model_id: the model in the bundle.
        dataset: name and fingerprint of the dataset version that it was trained on.
        since: when it was deployed.
        why: the reason, for people.
        by: who or what decided.
        previous: the bundle that answered before, or None for the first.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    sequence: int
    bundle_id: str
    bundle: str
    bento_tag: str
    model_id: str
    dataset: dict[str, str]
    since: datetime
    why: str
    by: str
    previous: str | None

    def slot(self) -> Slot:
        """What services are told."""
        return Slot(sequence=self.sequence, bundle_id=self.bundle_id, bundle=self.bundle)


@dataclass(frozen=True)
class Switch:
    """How far the running workers have taken a deployment.

    Attributes:
        taken: workers that answer with it.
        pending: workers that have not taken it yet: they have not looked, or are loading it.
        refused: workers that could not take it, with the reason.
    """

    taken: list[Acknowledgement]
    pending: list[Acknowledgement]
    refused: list[Acknowledgement]

    @property
    def done(self) -> bool:
        """Whether every worker that runs has acknowledged, one way or the other."""
        return not self.pending


def gone_after_s(slot_poll_s: float) -> float:
    """For how long a worker that runs is silent at most, unless it is taking a bundle."""
    return _LOOKS * max(1.0, slot_poll_s)


class Deployments:
    """The deployment log of one use case.

    Args:
        folder: `home.deployments(use_case)`; nothing is created before the first deployment.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = folder / "log.jsonl"
        self.slot_path = folder / "slot.json"

    def deploy(
        self, bundle_id: str, bundle_folder: Path, bento_tag: str, why: str, by: str
    ) -> Deployment:
        """Make a bundle the one that answers; a retry of the current deployment changes nothing.

        Args:
            bundle_id: the bundle.
            bundle_folder: where it lies; verified first.
            bento_tag: the Bento that carries it.
            why: the reason, for people.
            by: who or what decided.

        Raises:
            BundleError: the bundle is damaged.
            DeploymentError: the folder holds another bundle, or the log is damaged.
            StoreLocked: another process deploys.
            DiskFull: there is no room; what answered before goes on.
        """
        bundle = Bundle.load(bundle_folder)
        if bundle.bundle_id != bundle_id:
            raise DeploymentError(
                f"expected bundle {bundle_id} in {bundle_folder}, got {bundle.bundle_id}"
            )
        with self._writing() as current:
            if current and (current.bundle_id, current.bento_tag) == (bundle_id, bento_tag):
                return current
            return self._append(self._next(current, bundle, bento_tag, why, by))

    def rollback(self, why: str, by: str, to: str | None = None) -> Deployment:
        """Deploy a bundle that answered before, as a new line of the log.

        Args:
            why: the reason, for people.
            by: who decided.
            to: the bundle to go back to; None: the one before the current one.

        Raises:
            DeploymentError: there is none, it answers already, or it is gone.
        """
        with self._writing() as current:
            back = self._before(current, to)
            assert current is not None
            try:
                bundle = Bundle.load(self.bundle_folder(back))
            except BundleError as error:
                raise DeploymentError(f"cannot go back to {back.bundle_id}: {error}") from error
            return self._append(self._next(current, bundle, back.bento_tag, why, by))

    def current(self) -> Deployment | None:
        """The deployment that answers, or None before the first."""
        history = self.history()
        return history[-1] if history else None

    def history(self) -> list[Deployment]:
        """All deployments, oldest first.

        Raises:
            DeploymentError: a line is damaged. A last line that was cut off by a kill is
                none: that deployment never happened.
        """
        return [self._parse(number, line) for number, line in enumerate(self._lines(), start=1)]

    def bundle_folder(self, deployment: Deployment) -> Path:
        """Where the bundle of a deployment lies."""
        return Path(os.path.normpath(self._folder / deployment.bundle))

    def slot_agrees(self) -> bool:
        """Whether the slot says what the log says; takes no lock.

        Raises:
            DeploymentError: a line of the log is damaged.
        """
        current = self.current()
        return current is None or self._slot_is(current.slot())

    def repair(self) -> list[str]:
        """Drop a line that was cut off, and bring the slot up to the log.

        Returns:
            What was repaired, for people; empty when all was well.
        """
        if not self._log.exists():
            return []
        with self._locked():
            return self._repair()

    def switch(self, fresh_s: float = 10, awaited: Collection[str] = ()) -> Switch:
        """How far the running workers are.

        Args:
            fresh_s: a worker that was silent for so long is gone.
            awaited: names of workers that are not, however silent they are.
        """
        current = self.current()
        sequence = current.sequence if current else None
        fresh = {worker.worker for worker in acknowledgements(self.slot_path, fresh_s)}
        workers = [
            worker
            for worker in acknowledgements(self.slot_path, math.inf)
            if worker.worker in fresh.union(awaited)
        ]
        seen = [worker for worker in workers if worker.sequence == sequence]
        return Switch(
            taken=[worker for worker in seen if worker.refused is None],
            pending=[worker for worker in workers if worker.sequence != sequence],
            refused=[worker for worker in seen if worker.refused is not None],
        )

    def wait_for_workers(self, timeout_s: float, slot_poll_s: float = 1) -> Switch:
        """Wait until every running worker has acknowledged the current deployment, or the end.

        A worker is silent while it takes a bundle: who ran at first is waited for, unless it
        takes its acknowledgement back.

        Args:
            timeout_s: from the moment when every worker has looked at the slot.
            slot_poll_s: how often they look.
        """
        deadline = time.monotonic() + slot_poll_s + timeout_s
        fresh_s = gone_after_s(slot_poll_s)
        running = {worker.worker for worker in acknowledgements(self.slot_path, fresh_s)}
        while not (switch := self.switch(fresh_s, running)).done and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        return switch

    def _before(self, current: Deployment | None, bundle_id: str | None) -> Deployment:
        """The last deployment of the bundle to go back to."""
        if current is None or current.previous is None:
            raise DeploymentError("there is no deployment before this one to go back to")
        if bundle_id == current.bundle_id:
            raise DeploymentError(f"bundle {bundle_id} answers already; nothing was changed")
        wanted = bundle_id or current.previous
        history = self.history()
        found = [each for each in history if each.bundle_id == wanted]
        if not found:
            answered = sorted({each.bundle_id for each in history} - {current.bundle_id})
            raise DeploymentError(
                f"expected a bundle that answered before, got {wanted!r}; "
                f"there are {', '.join(answered)}"
            )
        return found[-1]

    @contextmanager
    def _writing(self) -> Iterator[Deployment | None]:
        """The lock, over a repaired log; yields the current deployment."""
        with self._locked():
            self._repair()
            yield self.current()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with file_lock(self._folder / "lock", _LOCK_WAIT_S):
            yield

    def _next(
        self, current: Deployment | None, bundle: Bundle, bento_tag: str, why: str, by: str
    ) -> Deployment:
        return Deployment(
            sequence=current.sequence + 1 if current else 1,
            bundle_id=bundle.bundle_id,
            bundle=Path(os.path.relpath(bundle.folder, self._folder)).as_posix(),
            bento_tag=bento_tag,
            model_id=bundle.card.model_id,
            dataset=bundle.card.dataset,
            since=datetime.now(UTC),
            why=why,
            by=by,
            previous=current.bundle_id if current else None,
        )

    def _append(self, deployment: Deployment) -> Deployment:
        """Put a line on disk, then switch the slot; where there is no room, take it back."""
        length = len(self._read())
        try:
            with room_for(self._log):
                self._write_line(deployment.model_dump_json().encode() + b"\n")
            sync_folder(self._folder)
            write_slot(self.slot_path, deployment.slot())
        except DiskFull:
            os.truncate(self._log, length)
            raise
        return deployment

    def _write_line(self, line: bytes) -> None:
        with self._log.open("ab", buffering=0) as log:
            if log.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._log))
            os.fsync(log.fileno())

    def _repair(self) -> list[str]:
        repaired = []
        torn = len(self._read()) - self._whole_bytes()
        if torn:
            os.truncate(self._log, self._whole_bytes())
            repaired.append(f"dropped {torn} bytes of a deployment that was cut off")
        current = self.current()
        if current is not None and not self._slot_is(current.slot()):
            write_slot(self.slot_path, current.slot())
            repaired.append(f"switched the slot to {current.bundle_id}, as the log says")
        return repaired

    def _slot_is(self, slot: Slot) -> bool:
        try:
            return read_slot(self.slot_path) == slot
        except BundleError:
            return False

    def _read(self) -> bytes:
        return self._log.read_bytes() if self._log.exists() else b""

    def _whole_bytes(self) -> int:
        return self._read().rfind(b"\n") + 1

    def _lines(self) -> list[bytes]:
        return self._read()[: self._whole_bytes()].splitlines()

    def _parse(self, number: int, line: bytes) -> Deployment:
        try:
            return Deployment.model_validate_json(line)
        except ValidationError as error:
            raise DeploymentError(
                f"{self._log}, line {number} is damaged; restore the file from a backup: {error}"
            ) from error
