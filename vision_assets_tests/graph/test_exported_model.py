"""exported_model and batch_predictions through Dagster, on drawn pictures."""

from collections.abc import Callable, Mapping
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from vision_assets.assets.graph import BATCH_PREDICTIONS, BESIDE, GRAPH
from vision_assets.automation.status import STATUS
from vision_assets.definitions import defs
from vision_assets.execution import instance, run_graph
from vision_assets.home import Home
from vision_assets.serving.deployments import Deployments
from vision_assets.vision.errors import SpecError
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.inference.golden import GOLDEN_FILE
from vision_assets_tests.drawing import CLASSES, draw_jpeg
from vision_assets_tests.graph.conftest import PARTS_YAML

PER_CLASS = 12
Metadata = Mapping[str, dg.MetadataValue]
EXTRA = """\
  export: {int8: true, int8_margin: 0.9}
  score: {folder: landing/parts}
"""


@pytest.fixture
def parts_with_extras(write_yaml: Callable[..., Path], home: Home) -> Home:
    write_yaml(PARTS_YAML + EXTRA)
    for label in CLASSES:
        folder = home.landing("landing/parts") / label
        folder.mkdir(parents=True)
        for seed in range(PER_CLASS):
            (folder / f"{seed}.jpg").write_bytes(draw_jpeg(seed, label))
    return home


def materialization(home: Home, noun: str) -> dg.AssetMaterialization:
    with instance(home) as dagster:
        event = dagster.get_latest_materialization_event(dg.AssetKey(["parts", noun]))
    assert event is not None
    assert event.asset_materialization is not None
    return event.asset_materialization


def test_a_section_score_adds_an_asset_behind_the_graph(write_yaml: Callable[..., Path]) -> None:
    write_yaml(PARTS_YAML + EXTRA)
    graph = defs().resolve_asset_graph()
    added = dg.AssetKey(["parts", BATCH_PREDICTIONS])
    assert graph.get_all_asset_keys() == {
        dg.AssetKey(["parts", noun]) for noun in (*GRAPH, *BESIDE, STATUS)
    }
    assert graph.get(added).parent_keys == {dg.AssetKey(["parts", "deployment"])}
    assert "int8_ships" in {key.name for key in graph.asset_check_keys}


def test_without_it_there_is_none_to_select(write_yaml: Callable[..., Path]) -> None:
    write_yaml()
    with pytest.raises(SpecError, match="no asset"):
        run_graph("parts", [BATCH_PREDICTIONS])


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_one_of_two_bundles_goes_on_and_scores_a_folder(parts_with_extras: Home) -> None:
    home = parts_with_extras
    assert run_graph("parts", GRAPH[:4])
    shipped = _shipped(home, materialization(home, "exported_model").metadata)
    Deployments(home.deployments("parts")).deploy(
        shipped.bundle_id, shipped.folder, "parts:x", why="test", by="test"
    )
    assert run_graph("parts", [BATCH_PREDICTIONS])
    _assert_scored(shipped, materialization(home, BATCH_PREDICTIONS).metadata)


def _shipped(home: Home, said: Metadata) -> Bundle:
    """The bundle that goes on, after a look at both."""
    bundles = {
        precision: Bundle.load(home.bundles("parts") / str(said[f"{precision} bundle"].value))
        for precision in ("fp32", "int8")
    }
    assert {name: bundle.card.precision for name, bundle in bundles.items()} == {
        "fp32": "fp32",
        "int8": "int8",
    }
    assert all(GOLDEN_FILE in bundle.card.files for bundle in bundles.values())
    shipped = bundles[str(said["precision"].value)]
    assert said["reference"].value == shipped.bundle_id
    begins = "INT8 ships" if shipped is bundles["int8"] else "fp32 ships"
    assert str(said["what ships"].value).startswith(begins)
    return shipped


def _assert_scored(shipped: Bundle, said: Metadata) -> None:
    rows = pd.read_parquet(str(said["reference"].value))
    assert len(rows) == said["files"].value == PER_CLASS * len(CLASSES)
    assert set(rows["bundle_id"]) == {said["bundle"].value} == {shipped.bundle_id}
    assert "data:image/jpeg" in str(said["least sure"].value)
