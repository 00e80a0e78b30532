"""A home with one use case, `parts`: its store is real, all else is written when asked for."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from vision_assets.execution import instance as open_instance
from vision_assets.home import HOME_VARIABLE, Home
from vision_assets.project import DEFS_VARIABLE, use_case
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.ingest import ingest_all
from vision_assets.vision.store.landing import sweep
from vision_assets.vision.use_case import UseCase
from vision_assets_tests.drawing import CLASSES, draw_jpeg
from vision_assets_tests.graph import conftest as graph

project = graph.project
write_yaml = graph.write_yaml
home = graph.home
drop = graph.drop

PARTS_YAML = """\
type: vision_assets.ClassificationPipeline
attributes:
  source: {landing: landing/parts, settle_s: 0, batch: {max_wait_s: 0}}
  recipe: {epochs: 2, image_size_px: 32, batch_size: 8}
  service: {workers: 1}
"""

Fill = Callable[[int], ImageStore]


@pytest.fixture
def parts(write_yaml: Callable[..., Path], home: Home) -> UseCase:
    """The use case, with an empty landing folder."""
    write_yaml(PARTS_YAML)
    home.landing("landing/parts").mkdir(parents=True)
    return use_case("parts")


@pytest.fixture
def fill(home: Home, parts: UseCase) -> Fill:
    """Draws images into the landing folder, new ones at each call, and stores them."""
    drawn = 0

    def more(n: int) -> ImageStore:
        nonlocal drawn
        landing, store = home.landing("landing/parts"), ImageStore.open(home.store("parts"))
        for index in range(drawn, drawn + n):
            path = landing / CLASSES[index % 3] / f"{index}.jpg"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(draw_jpeg(index, CLASSES[index % 3]))
        drawn += n
        batches = sweep(landing, store, parts.spec.source, home.batches("parts"))
        assert list(ingest_all(store, batches, landing, parts.spec))
        return store

    return more


@pytest.fixture
def dagster(home: Home, parts: UseCase) -> Iterator[dg.DagsterInstance]:
    """The instance of the home, under the tracked `dagster.yaml`."""
    before = dict(os.environ)
    with open_instance(home) as opened:
        yield opened
    os.environ.clear()
    os.environ.update(before)


__all__ = ["DEFS_VARIABLE", "HOME_VARIABLE", "drop", "home", "project", "write_yaml"]
