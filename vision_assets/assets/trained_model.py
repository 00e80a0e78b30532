"""trained_model: weights, recipe and metrics of one training, tracked in MLflow."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from vision_assets.assets.cause import cause_of, record_cause
from vision_assets.assets.dataset_version import valid_version
from vision_assets.assets.graph import REFERENCE, TRAINING_POOL, asset_key
from vision_assets.assets.metadata import picture
from vision_assets.assets.recipe_choice import RECIPE_TAG, RecipeChoice, chosen_recipe
from vision_assets.assets.yaml_keys import yaml_version
from vision_assets.home import Home
from vision_assets.resources.home import HomeResource
from vision_assets.resources.tracking import tracked, tracking_key
from vision_assets.vision.disk import refuse_when_low
from vision_assets.vision.file_lock import file_lock
from vision_assets.vision.use_case import UseCase

if TYPE_CHECKING:
    from vision_assets.vision.dataset.versions import DatasetVersion
    from vision_assets.vision.spec import Recipe
    from vision_assets.vision.training.progress import EpochReport
    from vision_assets.vision.training.trained_model import TrainedModel


_LOCK_WAIT_S = 10.0


def training_lock(home: Home, use_case: UseCase) -> Path:
    """The lock that lets one process at a time train a use case, in a queue of Dagster or not."""
    return home.models(use_case.name) / ".training.lock"


def trained_model(use_case: UseCase) -> dg.AssetsDefinition:
    """Build the asset `<use_case>/trained_model`."""

    @dg.asset(
        key=asset_key(use_case, "trained_model"),
        deps=[asset_key(use_case, "validated_dataset")],
        code_version=yaml_version(use_case, "trained_model"),
        group_name=use_case.name,
        kinds={"pytorch", "mlflow"},
        pool=TRAINING_POOL,
        required_resource_keys={tracking_key(use_case), "home"},
        description="A network trained on the latest valid dataset version by a recipe.",
    )
    def build(context: dg.AssetExecutionContext, config: RecipeChoice) -> dg.MaterializeResult:
        from vision_assets.vision.tasks.registry import load_task
        from vision_assets.vision.training.fit import fit
        from vision_assets.vision.training.pixel_cache import PixelCache

        home: HomeResource = context.resources.home
        refuse_when_low(home.home.root, "no training was started")
        mlflow = getattr(context.resources, tracking_key(use_case))
        version = valid_version(context, home, use_case)
        recipe, origin = chosen_recipe(config, home, use_case)
        context.instance.add_run_tags(context.run.run_id, {RECIPE_TAG: config.recipe})
        record_cause(context, use_case)
        run_id = mlflow.active_run().info.run_id
        with file_lock(training_lock(home.home, use_case), _LOCK_WAIT_S), tracked(mlflow):
            _log_inputs(mlflow, use_case, version, recipe)
            mlflow.set_tags(origin | cause_of(context.run))
            trained = fit(
                load_task(use_case.task),
                version.manifest(),
                home.image_store(use_case).read,
                recipe,
                version.classes,
                home.home.models(use_case.name),
                dataset={"name": version.name, "fingerprint": version.fingerprint},
                on_epoch=lambda report: _log_epoch(context, mlflow, report),
                say=context.log.info,
                cache=PixelCache(home.home.pixel_cache),
                files=home.home.root,
            )
            registered = _register(mlflow, use_case, trained)
        return dg.MaterializeResult(
            data_version=dg.DataVersion(trained.model_id),
            metadata=_metadata(trained, version, registered, run_id)
            | {"recipe": origin["recipe_source"]},
        )

    return build


def _log_inputs(
    mlflow: Any, use_case: UseCase, version: "DatasetVersion", recipe: "Recipe"
) -> None:
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.data.meta_dataset import MetaDataset

    source = CodeDatasetSource({"use_case": use_case.name, "version": version.name})
    dataset = MetaDataset(source, name=use_case.name, digest=version.fingerprint[:32])
    mlflow.log_input(dataset, context="training")
    mlflow.log_params(recipe.model_dump())
    mlflow.set_tags({"dataset_version": version.name, "dataset_fingerprint": version.fingerprint})


def _log_epoch(context: dg.AssetExecutionContext, mlflow: Any, report: "EpochReport") -> None:
    context.log.info(report.line())
    mlflow.log_metrics(report.metrics() | {"eta_s": report.eta_s}, step=report.epoch)


def _register(mlflow: Any, use_case: UseCase, trained: "TrainedModel") -> str:
    """Log the model's files and register them.

    Returns:
        The version that MLflow's registry gave.
    """
    from mlflow.exceptions import MlflowException

    mlflow.set_tags({"model_id": trained.model_id, **trained.environment_tags()})
    mlflow.log_artifacts(str(trained.folder), "model")
    client, run = mlflow.tracking_client, mlflow.active_run()
    try:
        client.create_registered_model(use_case.name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    version = client.create_model_version(
        use_case.name,
        source=f"{run.info.artifact_uri}/model",
        run_id=run.info.run_id,
        tags={"model_id": trained.model_id},
    )
    return version.version


def _metadata(
    trained: "TrainedModel", version: "DatasetVersion", registered: str, mlflow_run: str
) -> dict[str, Any]:
    from vision_assets.vision.evaluation.plots import learning_curves

    return {
        REFERENCE: dg.MetadataValue.text(trained.model_id),
        "dataset": version.name,
        "MLflow run": mlflow_run,
        "registered version": registered,
        "first weights": trained.first_weights,
        "learning curves": picture(learning_curves(trained.history)),
        **{name: round(float(value), 4) for name, value in trained.metrics.items()},
    }
