"""A class is renamed, one is added, two are merged: each time the whole graph runs to its end."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from vision_assets.execution import instance, run_graph
from vision_assets.home import Home
from vision_assets.serving.deployments import Deployments
from vision_assets.vision.dataset.versions import DatasetVersions
from vision_assets.vision.inference.bundle import Bundle
from vision_assets_tests.drawing import draw_jpeg

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

YAML = """\
type: vision_assets.ClassificationPipeline
attributes:
  source: {{landing: landing/parts, settle_s: 0, batch: {{max_wait_s: 0}}}}
  recipe: {{epochs: 2, image_size_px: 32, batch_size: 8}}
  champion: {{min_n: 2, margin: 1.0}}
  classes: [{classes}]
"""
FIRST = "{id: 0, name: good}, {id: 1, name: scratch}"
RENAMED = "{id: 0, name: good}, {id: 1, name: line, was: [scratch]}"
ADDED = f"{RENAMED}, {{id: 2, name: spot}}"
MERGED = "{id: 0, name: good}, {id: 1, name: line, was: [scratch], merges: [2]}"


def draw(home: Home, label: str, seeds: range, look: str) -> None:
    folder = home.landing("landing/parts") / label
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        (folder / f"{look}_{seed}.jpg").write_bytes(draw_jpeg(seed, look))


def judged(home: Home) -> str:
    """What the last report says of the champion."""
    key = dg.AssetCheckKey(dg.AssetKey(["parts", "evaluation_report"]), "gate_champion")
    with instance(home) as dagster:
        record = dagster.event_log_storage.get_latest_asset_check_execution_by_key([key])[key]
    assert record.event is not None
    event = record.event.dagster_event
    assert event is not None
    return str(event.asset_check_evaluation_data.description)


def deployed(home: Home) -> Bundle:
    log = Deployments(home.deployments("parts"))
    current = log.current()
    assert current is not None
    return Bundle.load(log.bundle_folder(current))


def names(home: Home) -> list[str]:
    return [entry.name for entry in deployed(home).card.classes]


def counts(home: Home) -> dict[str, int]:
    manifest = DatasetVersions(home.datasets("parts")).get().manifest()
    return {str(label): int(n) for label, n in manifest["label"].value_counts().items()}


def test_renamed_then_added_then_merged(home: Home, write_yaml: Callable[..., Path]) -> None:
    write_yaml(YAML.format(classes=FIRST))
    draw(home, "good", range(20), "good")
    draw(home, "scratch", range(20), "scratch")
    assert run_graph("parts", log_level="ERROR")
    assert names(home) == ["good", "scratch"]

    write_yaml(YAML.format(classes=RENAMED))
    assert run_graph("parts", log_level="ERROR")
    assert counts(home) == {"good": 20, "line": 20}
    assert names(home) == ["good", "line"]
    assert "0 of classes that one of the two does not know" in judged(home)

    write_yaml(YAML.format(classes=ADDED))
    draw(home, "spot", range(20), "spot")
    assert run_graph("parts", log_level="ERROR")
    assert counts(home) == {"good": 20, "line": 20, "spot": 20}
    assert names(home) == ["good", "line", "spot"]
    left_out = int(judged(home).rpartition(" of classes that one")[0].rpartition(" ")[2])
    assert left_out == _test_images(home, "spot") > 0

    write_yaml(YAML.format(classes=MERGED))
    assert run_graph("parts", log_level="ERROR")
    assert counts(home) == {"good": 20, "line": 40}
    assert names(home) == ["good", "line"]
    left_out = int(judged(home).rpartition(" of classes that one")[0].rpartition(" ")[2])
    assert left_out == _test_images(home, "line") > 0
    assert len(DatasetVersions(home.datasets("parts")).list()) == 4


def _test_images(home: Home, label: str) -> int:
    manifest = DatasetVersions(home.datasets("parts")).get().manifest()
    return int(((manifest["label"] == label) & (manifest["split"] == "test")).sum())
