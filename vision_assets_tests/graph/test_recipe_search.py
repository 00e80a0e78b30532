"""recipe_search and a training by its proposal, through Dagster and the command line."""

import json
from collections.abc import Callable

import dagster as dg
import pytest
from typer.testing import CliRunner

from vision_assets.cli import app
from vision_assets.execution import instance, run_graph
from vision_assets.home import Home
from vision_assets.resources.tracking import tracking_uri
from vision_assets.vision.errors import SpecError
from vision_assets.vision.search.proposal import read_proposal
from vision_assets.vision.training.trained_model import TrainedModel
from vision_assets.vision.use_case import UseCase


def _latest(home: Home, noun: str) -> tuple[dg.AssetMaterialization, dg.DagsterRun]:
    with instance(home) as dagster:
        event = dagster.get_latest_materialization_event(dg.AssetKey(["parts", noun]))
        assert event is not None
        run = dagster.get_run_by_id(event.run_id)
    assert event.asset_materialization is not None
    assert run is not None
    return event.asset_materialization, run


def _tags_and_params(home: Home, run_id: str) -> tuple[dict[str, str], dict[str, str]]:
    import mlflow

    data = mlflow.MlflowClient(tracking_uri(home)).get_run(run_id).data
    return data.tags, data.params


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_search_proposes_a_recipe_that_a_training_takes(
    home: Home, drop: Callable[[int], None]
) -> None:
    drop(30)
    assert run_graph("parts", ["raw_images", "validated_dataset"])
    found = CliRunner().invoke(app, ["search", "parts", "--trials", "2", "--json"])
    assert found.exit_code == 0, found.output
    shown = json.loads(found.stdout)
    assert [trial["state"] for trial in shown["trials"]] == ["finished", "finished"]

    searched, _ = _latest(home, "recipe_search")
    assert str(searched.metadata["history"].value).startswith("![](data:image/png")
    assert "recipe:" in str(searched.metadata["keep it"].value)
    assert not any(home.models("parts").glob("*")), "a trial leaves no model"

    proposal = read_proposal(home.searches("parts"))
    assert proposal is not None
    chain = ["trained_model", "exported_model", "evaluation_report"]
    assert run_graph("parts", chain, configuration={"trained_model": {"recipe": "proposal"}})
    trained, run = _latest(home, "trained_model")
    model = TrainedModel.load(home.models("parts") / str(trained.metadata["reference"].value))
    assert model.record["recipe"] == proposal.recipe
    assert run.tags["vision_assets/recipe"] == "proposal"
    tags, params = _tags_and_params(home, str(trained.metadata["MLflow run"].value))
    assert tags["recipe_source"] == f"proposal: {proposal.source}"
    assert params["learning_rate"] == str(proposal.recipe["learning_rate"])


def test_a_proposal_that_was_never_made_is_told(parts: UseCase) -> None:
    from vision_assets.assets.recipe_choice import RecipeChoice, chosen_recipe
    from vision_assets.resources.home import HomeResource
    from vision_assets.vision.errors import TrainingError

    with pytest.raises(TrainingError, match="vision-assets search parts"):
        chosen_recipe(RecipeChoice(recipe="proposal"), HomeResource(), parts)


def test_a_recipe_is_for_a_training(parts: UseCase) -> None:
    with pytest.raises(SpecError, match="--select trained_model"):
        run_graph("parts", ["raw_images"], configuration={"trained_model": {"recipe": "proposal"}})


def test_before_a_search_nothing_is_shown(parts: UseCase) -> None:
    said = CliRunner().invoke(app, ["search", "parts", "--show"])
    assert "vision-assets search parts does" in said.output.replace("\n", " ")
