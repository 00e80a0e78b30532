"""What MLflow is told of an evaluation: beside the training of the model, in the same run."""

import time
from collections.abc import Mapping
from pathlib import Path

from vision_assets.home import Home
from vision_assets.resources.tracking import prepare

_FOLDER = "evaluation"
_PREFIX = "test_"


def log_evaluation(
    home: Home, use_case: str, model_id: str, metrics: Mapping[str, float], page: Path
) -> list[str]:
    """Add figures of the test split, and the report's page, to the runs that made a model.

    Args:
        home: where the database is.
        use_case: name of the experiment.
        model_id: the model that was judged.
        metrics: by name; `test_` is put before each.
        page: the report.

    Returns:
        Ids of the MLflow runs; empty where the database knows none of this model.
    """
    from mlflow import MlflowClient
    from mlflow.entities import Metric
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    client = MlflowClient(prepare(home, use_case))
    experiment = client.get_experiment_by_name(use_case)
    assert experiment is not None, "prepare makes it"
    runs = client.search_runs([experiment.experiment_id], f"tags.model_id = '{model_id}'")
    now_ms = int(time.time() * 1000)
    logged = [Metric(_PREFIX + name, value, now_ms, 0) for name, value in metrics.items()]
    for run in runs:
        client.log_batch(run.info.run_id, metrics=logged)
        # The client would remember where artifacts lay before the home was moved.
        get_artifact_repository(str(run.info.artifact_uri)).log_artifact(str(page), _FOLDER)
    return [run.info.run_id for run in runs]
