"""A home with a Bento of the colour model, and a service that runs it, once for all tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from vision_assets.home import Home
from vision_assets.serving.bento import BuiltBento, build_bento
from vision_assets.serving.deployments import Deployments
from vision_assets.serving.environment import ENVIRONMENTS_VARIABLE
from vision_assets.serving.process import ServiceProcess
from vision_assets.vision.inference.service.settings import ServiceSettings
from vision_assets.vision.spec import SourceSpec
from vision_assets.vision.tasks.classification.spec import ClassificationSpec
from vision_assets.vision.use_case import UseCase
from vision_assets_tests.serving.bundles import make_bundle

SETTINGS = ServiceSettings(
    workers=2,
    max_body_bytes=200_000,
    max_pixels=320_000,
    max_pictures=4,
    max_in_flight=32,
    slot_poll_s=0.1,
)
THRESHOLDS = {"pass_below": 0.2, "refuse_from": 0.95}
"""With them red passes, green and blue are reviewed."""


@pytest.fixture(scope="session")
def use_case() -> UseCase:
    spec = ClassificationSpec(source=SourceSpec(landing="landing"))
    return UseCase("colours", "classification", spec)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home below a hidden folder, as the default one is."""
    root = tmp_path_factory.mktemp("serving") / ".home"
    shared = os.environ.get(ENVIRONMENTS_VARIABLE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ENVIRONMENTS_VARIABLE, shared or str(root / "environments"))
        yield Home(root)


@pytest.fixture(scope="session")
def bundle_folder(home: Home) -> Path:
    return make_bundle(home.bundles("colours"), thresholds=THRESHOLDS)


@pytest.fixture(scope="session")
def built(home: Home, use_case: UseCase, bundle_folder: Path) -> BuiltBento:
    return build_bento(home, use_case, bundle_folder)


@pytest.fixture(scope="session")
def deployments(home: Home, built: BuiltBento, bundle_folder: Path) -> Deployments:
    """The log that the running service follows, with the Bento's own bundle deployed."""
    log = Deployments(home.deployments("colours"))
    log.deploy(bundle_folder.name, bundle_folder, built.tag, why="the first", by="test")
    return log


@pytest.fixture(scope="session")
def service(home: Home, built: BuiltBento, deployments: Deployments) -> Iterator[ServiceProcess]:
    """Two workers that follow the slot."""
    with ServiceProcess(home, built, slot=deployments.slot_path, settings=SETTINGS) as running:
        yield running


@pytest.fixture
def client(service: ServiceProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.base_url, timeout=30, trust_env=False) as http:
        yield http
