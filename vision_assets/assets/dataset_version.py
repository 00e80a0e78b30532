"""The dataset version that a training may use."""

from typing import TYPE_CHECKING

import dagster as dg

from vision_assets.assets.graph import upstream
from vision_assets.resources.home import HomeResource
from vision_assets.vision.errors import DatasetError
from vision_assets.vision.use_case import UseCase

if TYPE_CHECKING:
    from vision_assets.vision.dataset.versions import DatasetVersion


def valid_version(
    context: dg.AssetExecutionContext, home: HomeResource, use_case: UseCase
) -> "DatasetVersion":
    """The version that validated_dataset made last.

    Raises:
        DatasetError: there is none, or it failed its critical expectations.
        CheckFailed: the asset failed a check that blocks.
    """
    version = home.datasets(use_case).get(upstream(context, use_case, "validated_dataset"))
    if not version.valid:
        raise DatasetError(
            f"{version.name} failed its critical expectations; look at the checks of "
            f"{use_case.name}/validated_dataset, mend the data and materialize it again"
        )
    return version
