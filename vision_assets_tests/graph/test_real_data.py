"""A few real images of every task, with the annotations of their authors, become an endpoint."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from benchmarks.quality.data import DATA
from vision_assets.assets.graph import GRAPH
from vision_assets.execution import instance, run_graph
from vision_assets.home import Home
from vision_assets.vision.store.image_store import ImageStore
from vision_assets_tests.graph.served import assert_served_as_bundled

pytestmark = [pytest.mark.real_data, pytest.mark.slow, pytest.mark.timeout(900)]

BROKEN = {"BloodImage_00338", "BloodImage_00343"}
"""Smears with a box of no area."""


@dataclass(frozen=True)
class Case:
    """A training that takes seconds.

    Attributes:
        every: so many images of the data set one is taken, and those of `BROKEN`.
        recipe: after which it finds something.
        more: of the attributes: few normal images keep no promise of few false alarms.
    """

    every: int
    recipe: dict[str, Any]
    more: dict[str, Any] = field(default_factory=dict)


CASES = {
    "smears": Case(12, {"epochs": 8, "image_size_px": 64, "learning_rate": 0.01}),
    "steel_boxes": Case(60, {"epochs": 16, "image_size_px": 64, "learning_rate": 0.01}),
    "tile_masks": Case(24, {"epochs": 2, "image_size_px": 64}),
    "normal_tiles": Case(
        16,
        {"epochs": 4, "image_size_px": 64},
        {"false_alarms": {"rate": 0.3, "confidence": 0.8}},
    ),
}


@pytest.mark.parametrize("data", CASES)
def test_real_images_become_an_endpoint_that_answers(
    data: str, real_data: Path, home: Home, write_yaml: Callable[..., Path]
) -> None:
    chosen = copy_some(real_data / DATA[data].folder, home.landing("landing"), CASES[data].every)
    write_yaml(yaml_of(data), name=data)
    assert run_graph(data, GRAPH)
    assert len(ImageStore.open(home.store(data)).images()) == len(chosen)
    assert_served_as_bundled(home, data, len(chosen))


def test_two_boxes_of_no_area_are_reported_by_the_names_of_their_files(
    real_data: Path, home: Home, write_yaml: Callable[..., Path]
) -> None:
    copy_some(real_data / "bccd", home.landing("landing"), CASES["smears"].every)
    write_yaml(yaml_of("smears"), name="smears")
    assert run_graph("smears", GRAPH[:1])
    assert set(re.findall(r"BloodImage_\d+", unsound(home, "smears"))) == BROKEN


def copy_some(folder: Path, landing: Path, every: int) -> set[str]:
    """Copy images with what lies beside them, and lists of splits; the stems of the images."""
    images = sorted(path.stem for path in folder.rglob("*.jpg"))
    stems = set(images[::every]) | BROKEN.intersection(images)
    for path in folder.rglob("*.*"):
        if path.stem in stems or path.suffix == ".txt":
            copy = landing / path.relative_to(folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
    return stems


def yaml_of(data: str) -> str:
    """The use case of the quality benchmark, for one short training without a gate."""
    said = DATA[data]
    attributes = {
        "source": {"landing": "landing", "settle_s": 0, "batch": {"max_wait_s": 0}, **said.source},
        "splits": said.splits,
        "recipe": CASES[data].recipe,
        "gates": [],
        "champion": None,
        **CASES[data].more,
    }
    type_name = f"vision_assets.{said.task.capitalize()}Pipeline"
    return json.dumps({"type": type_name, "attributes": attributes})


def unsound(home: Home, name: str) -> str:
    """What the check of the last ingest says of annotations that were not stored as they are."""
    key = dg.AssetCheckKey(dg.AssetKey([name, "raw_images"]), "annotations_sound")
    with instance(home) as dagster:
        (record,) = dagster.event_log_storage.get_asset_check_execution_history(key, limit=1)
    assert record.event is not None
    assert record.event.dagster_event is not None
    evaluation = record.event.dagster_event.asset_check_evaluation_data
    assert not evaluation.passed
    return str(evaluation.metadata["samples"].value)
