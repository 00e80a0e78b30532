"""The model of a worker that follows a slot."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from vision_assets.vision.inference.service.live_model import LiveModel
from vision_assets.vision.inference.service.settings import ServiceSettings
from vision_assets.vision.inference.service.slot import acknowledgements
from vision_assets_tests.serving.bundles import make_bundle


@pytest.fixture
def slot(tmp_path: Path) -> Path:
    return tmp_path / "slot" / "slot.json"


@pytest.fixture
def live(slot: Path, tmp_path: Path) -> LiveModel:
    settings = ServiceSettings(slot_poll_s=0.02)
    return LiveModel(make_bundle(tmp_path / "bundles"), settings, slot, "colours:test")


def eventually(said: Callable[[], bool], timeout_s: float = 20) -> bool:
    deadline = time.monotonic() + timeout_s
    while not said() and time.monotonic() < deadline:
        time.sleep(0.01)
    return said()


def test_a_worker_that_cannot_acknowledge_starts_and_does_so_later(live: LiveModel, slot: Path):
    slot.parent.mkdir()
    (slot.parent / "workers").write_text("in the way of the folder")
    live.start()
    time.sleep(0.1)
    (slot.parent / "workers").unlink()
    assert eventually(lambda: len(acknowledgements(slot, fresh_s=60)) == 1)
    live.stop()
    assert acknowledgements(slot, fresh_s=60) == []


def test_an_acknowledgement_that_was_removed_is_written_again(live: LiveModel, slot: Path):
    live.look()
    (written,) = (slot.parent / "workers").iterdir()
    written.unlink()
    live.look()
    live.look()
    assert written.is_file()
