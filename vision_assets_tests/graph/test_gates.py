"""A model that a gate stops is registered and reported, and never deployed."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from vision_assets.assets.graph import GRAPH
from vision_assets.execution import instance, run_graph
from vision_assets.home import Home
from vision_assets.project import use_case
from vision_assets.resources.tracking import prepare
from vision_assets.serving.deployments import Deployments
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.use_case import UseCase
from vision_assets_tests.graph.conftest import PARTS_YAML

MODEL_SIDE = GRAPH[2:5]


def _checks(home: Home) -> dict[str, bool]:
    """What the gates of the latest report said."""
    with instance(home) as dagster:
        key = dg.AssetKey(["parts", "evaluation_report"])
        event = dagster.get_latest_materialization_event(key)
        assert event is not None
        records = dagster.get_records_for_run(
            event.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
        ).records
    found = (record.event_log_entry.dagster_event for record in records)
    said = [one.asset_check_evaluation_data for one in found if one is not None]
    gates = [check for check in said if check.check_name.startswith("gate_")]
    return {check.check_name: check.passed for check in gates if check.asset_key == key}


def _remove_runs(home: Home) -> None:
    """As a person does in the UI; the events of their checks go too."""
    with instance(home) as dagster:
        for run in dagster.get_runs():
            dagster.delete_run(run.run_id)


def _models(home: Home) -> int:
    import mlflow

    return len(mlflow.MlflowClient(prepare(home)).search_model_versions("name = 'parts'"))


def _tracked_metrics(home: Home) -> dict[str, float]:
    import mlflow

    client = mlflow.MlflowClient(prepare(home))
    experiment = client.get_experiment_by_name("parts")
    assert experiment is not None
    return client.search_runs([experiment.experiment_id])[0].data.metrics


def test_the_checks_are_known_before_anything_ran(write_yaml: Callable[..., Path]) -> None:
    from vision_assets.definitions import defs

    floors = "[{metric: recall, each: class, min: 0.5}, {metric: escape_rate, max: 0.1}]"
    write_yaml(PARTS_YAML.replace("[{metric: accuracy, min: 0.0}]", floors))
    graph = defs().resolve_asset_graph()
    blocking = {key.name for key in graph.asset_check_keys if graph.get_check_spec(key).blocking}
    assert {"gate_recall_each_class", "gate_escape_rate", "gate_champion"} <= blocking


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_model_that_is_not_shown_to_be_as_good_is_reported_and_stops(
    drop: Callable[[int], None], home: Home, parts: UseCase, write_yaml: Callable[..., Path]
) -> None:
    """The test split has 12 images, too few to say that the second model is no worse."""
    drop(60)
    assert run_graph("parts", GRAPH[:5])
    assert _checks(home) == {"gate_accuracy": True, "gate_champion": True}
    (folder,) = [path for path in home.bundles("parts").iterdir() if path.is_dir()]
    bundle = Bundle.load(folder)
    assert set(bundle.card.thresholds) == {"pass_below", "refuse_from"}
    assert {"test_accuracy", "test_escape_rate", "test_cost"} <= set(_tracked_metrics(home))
    Deployments(home.deployments("parts")).deploy(bundle.bundle_id, folder, "parts:1", "t", "t")

    assert run_graph("parts", MODEL_SIDE)
    write_yaml(PARTS_YAML.replace("batch_size: 8", "batch_size: 8, seed: 1"))
    assert not run_graph("parts", MODEL_SIDE)
    assert _checks(home) == {"gate_accuracy": True, "gate_champion": False}
    assert _models(home) == 3
    assert len(list(home.reports("parts").iterdir())) == 2
    _remove_runs(home)
    assert not run_graph("parts", GRAPH[5:])
    assert len(Deployments(home.deployments("parts")).history()) == 1

    write_yaml(PARTS_YAML.replace("epochs: 2", "epochs: 2, seed: 1") + "  champion: null\n")
    assert use_case("parts").spec.champion is None
    assert run_graph("parts", MODEL_SIDE)
    assert _checks(home) == {"gate_accuracy": True}
