"""MLflow tracking through dagster-mlflow, imported when a run first needs it.

One resource a use case, so that each use case is one MLflow experiment. The database and
the artifacts are inside the home; `prepare` creates the database once and rewrites the
artifact locations that MLflow stores as absolute paths when the home has moved.
"""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from vision_assets.home import Home
from vision_assets.vision.atomic import write_text
from vision_assets.vision.errors import DeploymentError
from vision_assets.vision.file_lock import file_lock
from vision_assets.vision.use_case import UseCase

_LOCATION_COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
    ("logged_models", "artifact_location"),
)
_RUN_TAG = "dagster_run_id"
"""Of MLflow runs, set by dagster-mlflow."""
CHAMPION = "champion"
_HOME_RECORD = "home.txt"


def tracking_key(use_case: UseCase) -> str:
    """Key of the use case's tracking resource."""
    return f"{use_case.name}_mlflow"


def tracking_resources(use_case: UseCase) -> dict[str, dg.ResourceDefinition]:
    """The tracking resource of one use case, by its key."""

    @dg.resource(description=f"dagster-mlflow over the experiment {use_case.name}.")
    def tracking(context: dg.InitResourceContext) -> Iterator[object]:
        uri = prepare(Home.from_environment(), use_case.name)
        _leave_run_status_to_us()
        config = {"experiment_name": use_case.name, "mlflow_tracking_uri": uri, "env": {}}
        try:
            yield from _dagster_mlflow(context.replace_config(config))
        finally:
            _end_what_is_open()

    return {tracking_key(use_case): tracking}


def tracking_uri(home: Home) -> str:
    """URI of the tracking database."""
    return f"sqlite:///{home.mlflow / 'mlflow.db'}"


def prepare(home: Home, experiment: str | None = None) -> str:
    """Create the database and the experiment if need be; follow the home if it has moved.

    Returns:
        The tracking URI.
    """
    import mlflow

    home.mlflow.mkdir(parents=True, exist_ok=True)
    uri = tracking_uri(home)
    with file_lock(home.mlflow / "prepare.lock", wait_s=120):
        _relocate(home)
        mlflow.set_tracking_uri(uri)
        client = mlflow.MlflowClient(uri)
        if experiment and client.get_experiment_by_name(experiment) is None:
            artifacts = home.mlflow / "artifacts" / experiment
            client.create_experiment(experiment, artifact_location=artifacts.as_uri())
        _record_place(home)
    return uri


def _record_place(home: Home) -> None:
    """Note where the artifacts are, for when the home has moved."""
    record = home.mlflow / _HOME_RECORD
    if not record.exists() or record.read_text() != str(home.mlflow):
        write_text(record, str(home.mlflow))


def _relocate(home: Home) -> None:
    """Rewrite absolute artifact locations after the home was moved."""
    record, database = home.mlflow / _HOME_RECORD, home.mlflow / "mlflow.db"
    if not record.exists() or not database.exists() or record.read_text() == str(home.mlflow):
        return
    before, after = Path(record.read_text()).as_uri(), home.mlflow.as_uri()
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        for table, column in _LOCATION_COLUMNS:
            connection.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, ?) "  # noqa: S608 (constants)
                f"WHERE substr({column}, 1, ?) = ?",
                (after, len(before) + 1, len(before), before),
            )


def _dagster_mlflow(context: dg.InitResourceContext) -> Iterator[Any]:
    """The resource of dagster-mlflow; its function takes the context, whatever its type says."""
    from dagster_mlflow import mlflow_tracking

    resource: Any = mlflow_tracking.resource_fn
    yield from resource(context)


def _leave_run_status_to_us() -> None:
    """Keep MLflow from marking a run FINISHED when the process ends, even by a failure."""
    import atexit

    from mlflow.tracking import fluent

    atexit.unregister(fluent._safe_end_run)


def _end_what_is_open() -> None:
    """Mark the run failed of an asset that raised before it was tracked, such as for a low disk.

    Left open, it would be taken for the run of the next training in this process.
    """
    import mlflow

    if mlflow.active_run() is not None:
        mlflow.end_run("FAILED")


@contextmanager
def tracked(mlflow: Any) -> Iterator[None]:
    """End the MLflow run as the block ends: FINISHED, FAILED, or KILLED by an interruption."""
    try:
        yield
    except BaseException as error:
        mlflow.end_run("FAILED" if isinstance(error, Exception) else "KILLED")
        raise
    mlflow.end_run("FINISHED")


def end_interrupted(home: Home, is_over: Callable[[str], bool]) -> list[str]:
    """Mark MLflow runs KILLED whose process died before it could say how they ended.

    Runs that no run of Dagster began are left alone.

    Args:
        home: where the database is.
        is_over: whether the Dagster run of this id has ended.

    Returns:
        Ids of the MLflow runs.
    """
    import mlflow

    client = mlflow.MlflowClient(prepare(home))
    experiments = [found.experiment_id for found in client.search_experiments()]
    running = client.search_runs(experiments, "attributes.status = 'RUNNING'")
    dead = [
        run for run in running if _RUN_TAG in run.data.tags and is_over(run.data.tags[_RUN_TAG])
    ]
    for run in dead:
        client.set_terminated(run.info.run_id, "KILLED")
    return [run.info.run_id for run in dead]


def registered_models(home: Home, use_case: str) -> dict[str, str]:
    """Model ids by their versions in the registry, the first one first."""
    import mlflow

    client = mlflow.MlflowClient(prepare(home))
    found = client.search_model_versions(f"name = '{use_case}'")
    in_order = sorted(found, key=lambda each: int(each.version))
    return {str(each.version): each.tags["model_id"] for each in in_order}


def runs_with_artifacts(home: Home, use_case: str, model_id: str) -> list[tuple[str, Path]]:
    """Runs that made a model, and the folder in which each keeps a copy of it."""
    import mlflow

    if not (home.mlflow / "mlflow.db").exists():
        return []
    client = mlflow.MlflowClient(prepare(home))
    experiment = client.get_experiment_by_name(use_case)
    if experiment is None:
        return []
    runs = client.search_runs([experiment.experiment_id], f"tags.model_id = '{model_id}'")
    root = home.mlflow / "artifacts" / use_case
    found = [(run.info.run_id, root / run.info.run_id / "artifacts" / "model") for run in runs]
    return [(run_id, folder) for run_id, folder in found if folder.is_dir()]


def remove_artifacts(home: Home, run_id: str, folder: Path) -> None:
    """Remove the copy of a model that a run keeps; the run says when, and keeps all else."""
    import mlflow

    mlflow.MlflowClient(prepare(home)).set_tag(run_id, "model_removed", f"{datetime.now(UTC):%F}")
    shutil.rmtree(folder)


def set_champion(home: Home, use_case: str, model_id: str) -> None:
    """Let the registry's alias `champion` name the version of the model that is deployed.

    Raises:
        DeploymentError: the registry has no version of that model.
    """
    import mlflow

    client = mlflow.MlflowClient(prepare(home))
    found = client.search_model_versions(f"name = '{use_case}' and tags.model_id = '{model_id}'")
    if not found:
        raise DeploymentError(
            f"MLflow's registry has no version of model {model_id} of {use_case}; materialize "
            f"{use_case}/trained_model again"
        )
    newest = max(found, key=lambda version: int(version.version))
    client.set_registered_model_alias(use_case, CHAMPION, newest.version)
