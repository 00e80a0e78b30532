"""label_suspicion is materialized by hand, upon a bundle that passed its checks."""

from collections.abc import Callable

import dagster as dg
import pytest

from vision_assets.assets.label_suspicion import label_suspicion
from vision_assets.resources.home import HomeResource
from vision_assets.vision.use_case import UseCase


@pytest.mark.slow
def test_it_lists_labels_with_pictures_and_a_table(
    parts: UseCase, export_parts: Callable[[int], dg.AssetsDefinition]
) -> None:
    assets = [export_parts(1), label_suspicion(parts)]
    made = dg.materialize(assets, resources={"home": HomeResource()})
    (event,) = made.asset_materializations_for_node("parts__label_suspicion")
    assert event.metadata["images"].value > 0
    assert str(event.metadata["table for vision-assets label"].value).endswith("suspects.csv")
