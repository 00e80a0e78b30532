"""What all assets of a graph share: keys, pools and references to what came before."""

import dagster as dg

from vision_assets.vision.errors import DatasetError
from vision_assets.vision.use_case import UseCase

REFERENCE = "reference"
"""Metadata entry by which an asset names what it made, for the assets below it."""


def asset_key(use_case: UseCase, noun: str) -> dg.AssetKey:
    """Key `<use_case>/<noun>`."""
    return dg.AssetKey([use_case.name, noun])


def op_name(use_case: UseCase, noun: str) -> str:
    """Name of the op that computes an asset, as run configuration spells it."""
    return f"{use_case.name}__{noun}"


def store_pool(use_case: UseCase) -> str:
    """Pool that serialises the writers of the image store."""
    return f"{use_case.name}_store"


def training_pool(use_case: UseCase) -> str:
    """Pool that lets one training of a use case run at a time."""
    return f"{use_case.name}_training"


def upstream(context: dg.AssetExecutionContext, use_case: UseCase, noun: str) -> str:
    """The reference that the latest materialization of an asset above left.

    Raises:
        DatasetError: the asset was never materialized.
    """
    event = context.instance.get_latest_materialization_event(asset_key(use_case, noun))
    materialization = event.asset_materialization if event else None
    if materialization is None or REFERENCE not in materialization.metadata:
        raise DatasetError(
            f"{use_case.name}/{noun} has never been materialized; materialize it first, "
            f"or the whole graph: vision-assets run {use_case.name}"
        )
    return str(materialization.metadata[REFERENCE].value)
