"""The home as a Dagster resource: where assets find the stores of a use case."""

from pathlib import Path

import dagster as dg

from vision_assets.home import Home
from vision_assets.vision.migrations.home_version import refuse_other
from vision_assets.vision.use_case import UseCase


class HomeResource(dg.ConfigurableResource):
    """The one folder in which all state lives.

    Attributes:
        root: the folder; default: what VISION_ASSETS_HOME names.
    """

    root: str | None = None

    @property
    def home(self) -> Home:
        """The home.

        Raises:
            HomeVersionError: another release of vision_assets wrote it.
        """
        home = Home(Path(self.root)) if self.root else Home.from_environment()
        refuse_other(home.root)
        return home

    def image_store(self, use_case: UseCase):
        """The image store of a use case."""
        from vision_assets.vision.store.image_store import ImageStore

        return ImageStore.open(self.home.store(use_case.name))

    def datasets(self, use_case: UseCase):
        """The dataset versions of a use case."""
        from vision_assets.vision.dataset.versions import DatasetVersions

        return DatasetVersions(self.home.datasets(use_case.name))

    def deployments(self, use_case: UseCase):
        """The deployment log of a use case."""
        from vision_assets.serving.deployments import Deployments

        return Deployments(self.home.deployments(use_case.name))
