"""The endpoint of a use case: its deployed Bento, in the foreground, following the slot."""

import os
from pathlib import Path
from typing import NoReturn

import httpx

from vision_assets.home import Home
from vision_assets.serving.bento import BuiltBento, find_bento, settings_of
from vision_assets.serving.deployments import Deployments, gone_after_s
from vision_assets.serving.environment import ensure_environment
from vision_assets.serving.process import HOST, serve_command, serve_variables
from vision_assets.vision.errors import DeploymentError
from vision_assets.vision.inference.service.keys import KEYS_FILE_VARIABLE, KEYS_VARIABLES
from vision_assets.vision.inference.service.slot import acknowledgements
from vision_assets.vision.spec import ServiceSpec
from vision_assets.vision.use_case import UseCase

_READY_TIMEOUT_S = 2.0
_TAKING_S = 60.0
"""A worker that takes a bundle is silent for so long, and more where the bundle is very large."""


def is_ready(home: Home, use_case: UseCase) -> bool:
    """Whether the endpoint of a use case says that it can answer; no proxy is asked.

    Another home may have taken its port: somebody has to follow the slot of this one, too.
    """
    service = use_case.spec.service
    slot = Deployments(home.deployments(use_case.name)).slot_path
    fresh_s = gone_after_s(service.slot_poll_s) + _TAKING_S
    return _says_ready(service.port) and bool(acknowledgements(slot, fresh_s))


def _says_ready(port: int) -> bool:
    try:
        address = f"http://{HOST}:{port}/readyz"
        return httpx.get(address, timeout=_READY_TIMEOUT_S, trust_env=False).is_success
    except httpx.TransportError:
        return False


def deployed_bento(home: Home, use_case: UseCase) -> BuiltBento:
    """The Bento of the current deployment; the slot is repaired from the log first.

    Raises:
        DeploymentError: nothing was deployed, or the Bento is gone.
    """
    deployments = Deployments(home.deployments(use_case.name))
    deployments.repair()
    current = deployments.current()
    if current is None:
        raise DeploymentError(
            f"{use_case.name} has no deployment; run `vision-assets run {use_case.name}` first"
        )
    bento = find_bento(home, current.bento_tag)
    if not bento.folder.is_dir():
        raise DeploymentError(
            f"expected the Bento {bento.tag} in {bento.folder}, it is gone; "
            f"materialize {use_case.name}/bento_service"
        )
    return bento


def serve(home: Home, use_case: UseCase) -> NoReturn:
    """Replace this process by the endpoint, on the port of `service.port`.

    Deployments that come later are picked up from the slot, without a restart.

    Raises:
        DeploymentError: nothing was deployed, or the Bento is gone.
    """
    bento = deployed_bento(home, use_case)
    python = ensure_environment(home)
    spec = use_case.spec.service
    slot = Deployments(home.deployments(use_case.name)).slot_path
    variables = {
        **serve_variables(_bentoml_home(home, use_case), slot, settings_of(use_case.spec)),
        **_api_keys(home, spec),
    }
    command = serve_command(python, bento, spec.port)
    os.chdir(bento.folder)
    os.execve(command[0], command, variables)  # noqa: S606 - our own command line, no shell


def asks_for_keys(home: Home, spec: ServiceSpec) -> bool:
    """Whether an endpoint that is started now answers those with a key alone."""
    return any(_api_keys(home, spec).values())


def _api_keys(home: Home, spec: ServiceSpec) -> dict[str, str]:
    """Where the service finds its keys: what the environment names wins over the YAML."""
    named = {name: os.environ[name] for name in KEYS_VARIABLES if os.environ.get(name)}
    if named or spec.api_keys_file is None:
        return named
    return {KEYS_FILE_VARIABLE: str(home.root / spec.api_keys_file)}


def _bentoml_home(home: Home, use_case: UseCase) -> Path:
    folder = home.bentoml / "serving" / use_case.name
    folder.mkdir(parents=True, exist_ok=True)
    return folder
