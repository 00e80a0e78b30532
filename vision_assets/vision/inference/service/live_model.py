"""The model that a worker answers with: its Bento's own, or the slot's once there is one.

A switch is: verify the new bundle, load it, warm it, and only then replace the one
reference that every request reads once. So a request is answered by one bundle, and a
bundle that cannot be taken changes nothing but what /info says.
"""

import logging
import os
import threading
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np

from vision_assets.vision.errors import BundleError, VisionAssetsError
from vision_assets.vision.inference.bundle import MODEL_FILE, Bundle
from vision_assets.vision.inference.decision import ORIGIN, led_to
from vision_assets.vision.inference.golden import check_golden
from vision_assets.vision.inference.predictor import Predictor, Prepared
from vision_assets.vision.inference.service.settings import ServiceSettings
from vision_assets.vision.inference.service.slot import (
    Acknowledgement,
    Slot,
    acknowledge,
    read_slot,
    touch,
)

_LOG = logging.getLogger("vision_assets.service")


@dataclass(frozen=True)
class LoadedModel:
    """A verified, warm bundle, ready to answer.

    Attributes:
        bundle: the bundle.
        predictor: runs it.
        source: whether it came with the Bento or from the slot.
        since: when this worker loaded it.
        bento: tag of the Bento that runs.
    """

    bundle: Bundle
    predictor: Predictor
    source: Literal["baked", "slot"]
    since: datetime
    bento: str

    def versions(self) -> dict[str, Any]:
        """What an answer says of where it came from."""
        card = self.bundle.card
        return {
            "bento": self.bento,
            "bundle_id": card.bundle_id,
            "model_id": card.model_id,
            "dataset": card.dataset["name"],
            "source": self.source,
        }

    def info(self) -> dict[str, Any]:
        """What /info says of it."""
        card = self.bundle.card
        return self.versions() | {
            "model_sha256": card.files[MODEL_FILE],
            "precision": card.precision,
            "calibration": card.calibration,
            "thresholds": card.thresholds,
            "thresholds_origin": card.options.get(ORIGIN),
            "on_val": led_to(card.options),
            "dataset_fingerprint": card.dataset["fingerprint"],
            "since": self.since.isoformat(),
        }


@dataclass(frozen=True)
class _Look:
    """What was found in the slot, and what became of it."""

    named: Slot | str | None
    refused: str | None

    @property
    def sequence(self) -> int | None:
        return self.named.sequence if isinstance(self.named, Slot) else None


class LiveModel:
    """Holds the current model and follows the slot.

    Args:
        baked: folder of the Bento's own bundle.
        settings: limits and the pace of polling.
        slot: the slot file, or None for a service that never changes its bundle.
        bento: tag of the Bento that runs.

    Raises:
        BundleError: the Bento's own bundle is damaged.
    """

    def __init__(
        self, baked: Path, settings: ServiceSettings, slot: Path | None, bento: str
    ) -> None:
        self._settings = settings
        self._bento = bento
        self._slot_path = slot
        self._baked = self._load(baked, "baked")
        self._worker = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._last_look = _Look(None, None)
        self._own_acknowledgement: Path | None = None
        self._acknowledged = False
        self._stopping = threading.Event()
        self.current = self._baked
        """The model to answer with; read it once a request."""
        self._watcher = threading.Thread(target=self._watch, name="slot", daemon=True)

    def start(self) -> None:
        """Take what the slot names, then keep following it; does nothing without a slot."""
        if self._slot_path is not None:
            self._try_to_look()
            self._watcher.start()

    def stop(self) -> None:
        """Stop following and take back the acknowledgement."""
        self._stopping.set()
        if self._watcher.is_alive():
            self._watcher.join()
        if self._own_acknowledgement is not None:
            self._own_acknowledgement.unlink(missing_ok=True)

    def look(self) -> None:
        """Read the slot once, switch if it names another bundle, and acknowledge it.

        Raises:
            DiskFull: there is no room for the acknowledgement; the next look writes it.
            OSError: it cannot be written, likewise.
        """
        assert self._slot_path is not None
        named = _read(self._slot_path)
        if named != self._last_look.named:
            self._last_look = _Look(named, self._take(named))
            self._acknowledged = False
        if self._acknowledged and self._own_acknowledgement is not None:
            self._touch(self._own_acknowledgement)
        else:
            self._own_acknowledgement = acknowledge(self._slot_path, self._acknowledgement())
            self._acknowledged = True

    def info(self) -> dict[str, Any]:
        """What /info says of the model and of the slot."""
        model, look = self.current, self._last_look
        card = model.bundle.card
        return {
            "bento": self._bento,
            "use_case": card.use_case,
            "task": card.task,
            "worker": self._worker,
            "classes": [entry.model_dump() for entry in card.classes],
            "model": model.info(),
            "baked_bundle_id": self._baked.bundle.card.bundle_id,
            "slot": {
                "followed": self._slot_path is not None,
                "sequence": look.sequence,
                "refused": look.refused,
            },
            "limits": self._settings.model_dump(),
        }

    def _watch(self) -> None:
        while not self._stopping.wait(self._settings.slot_poll_s):
            self._try_to_look()

    def _try_to_look(self) -> None:
        try:
            self.look()
        except (OSError, VisionAssetsError):
            # A full disk must end neither the worker nor the thread; the next look tries again.
            _LOG.exception("the slot cannot be acknowledged")

    def _take(self, named: Slot | str | None) -> str | None:
        """Make the slot's bundle the current one; why not, if it cannot be."""
        if isinstance(named, str):
            return self._refuse(named)
        if named is None or named.bundle_id == self.current.bundle.card.bundle_id:
            return None
        if named.bundle_id == self._baked.bundle.card.bundle_id:
            self.current = self._baked
            return None
        try:
            self.current = self._load_named(named)
        except (VisionAssetsError, OSError) as error:
            return self._refuse(f"bundle {named.bundle_id}: {error}")
        _LOG.info("switched to bundle %s", named.bundle_id)
        return None

    def _refuse(self, why: str) -> str:
        _LOG.error("the slot is refused, the current bundle goes on: %s", why)
        return why

    def _load_named(self, named: Slot) -> LoadedModel:
        assert self._slot_path is not None
        model = self._load(self._slot_path.parent / named.bundle, "slot")
        card, baked = model.bundle.card, self._baked.bundle.card
        expected = (named.bundle_id, baked.task, baked.use_case)
        got = (card.bundle_id, card.task, card.use_case)
        if got != expected:
            raise BundleError(f"expected (bundle, task, use case) {expected}, got {got}")
        return model

    def _load(self, folder: Path, source: Literal["baked", "slot"]) -> LoadedModel:
        bundle = Bundle.load(folder)
        predictor = Predictor(bundle, self._settings.limits, threads=1)
        _warm(bundle, predictor)
        check_golden(predictor)
        return LoadedModel(bundle, predictor, source, datetime.now(UTC), self._bento)

    def _acknowledgement(self) -> Acknowledgement:
        return Acknowledgement(
            worker=self._worker,
            sequence=self._last_look.sequence,
            bundle_id=self.current.bundle.card.bundle_id,
            source=self.current.source,
            refused=self._last_look.refused,
        )

    def _touch(self, acknowledgement: Path) -> None:
        try:
            touch(acknowledgement)
        except FileNotFoundError:
            self._acknowledged = False


def _read(path: Path) -> Slot | str | None:
    """The slot, or why it cannot be read."""
    try:
        return read_slot(path)
    except (BundleError, OSError) as error:
        return str(error)


def _warm(bundle: Bundle, predictor: Predictor) -> None:
    size = bundle.card.input
    grey = np.full((size.height_px, size.width_px, 3), 128, np.uint8)
    prepared = [Prepared.as_it_is(grey)]
    try:
        outputs = predictor.outputs(prepared)
        predictor.to_answers(outputs, prepared)
    except Exception as error:  # ONNX Runtime raises bare C++ exception types
        raise BundleError(f"{bundle.folder} does not answer a grey picture: {error}") from error
    broken = sorted(name for name, values in outputs.items() if not np.isfinite(values).all())
    if broken:
        raise BundleError(f"{bundle.folder} gives values that are not finite in {broken}")
