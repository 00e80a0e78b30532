"""Slot and registry alias follow from the deployment log; here they are made to agree with it.

A process that dies between two of these writes leaves the later ones behind.
"""

from vision_assets.home import Home
from vision_assets.resources.tracking import CHAMPION, prepare, set_champion
from vision_assets.serving.deployments import Deployments
from vision_assets.vision.errors import DeploymentError


def agree(home: Home, use_case: str) -> list[str]:
    """Bring the slot and the alias `champion` up to the deployment log.

    Returns:
        What was repaired, for people; empty when all was well.

    Raises:
        DeploymentError: the log is damaged, the registry does not know the deployed model, or
            its database does not answer.
    """
    deployments = Deployments(home.deployments(use_case))
    repaired = deployments.repair()
    current = deployments.current()
    if current is not None:
        repaired += _name_champion(home, use_case, current.model_id)
    return repaired


def _name_champion(home: Home, use_case: str, model_id: str) -> list[str]:
    from mlflow import MlflowException

    try:
        if champion(home, use_case) == model_id:
            return []
        set_champion(home, use_case, model_id)
    except MlflowException as error:
        raise DeploymentError(
            f"MLflow's database does not answer ({error}); the alias `{CHAMPION}` follows the "
            "deployment log at the next deployment, or when `vision-assets up` starts again"
        ) from error
    return [f"named model {model_id} the champion, as the log says"]


def champion(home: Home, use_case: str) -> str | None:
    """The model that the registry's alias names; None where it names none."""
    import mlflow

    client = mlflow.MlflowClient(prepare(home))
    for model in client.search_registered_models(f"name = '{use_case}'"):
        if CHAMPION in model.aliases:
            version = client.get_model_version(use_case, model.aliases[CHAMPION])
            return version.tags.get("model_id")
    return None
