"""label_suspicion is materialized by hand, upon a bundle that passed its checks."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from vision_assets.assets.graph import REFERENCE, asset_key
from vision_assets.assets.label_suspicion import label_suspicion
from vision_assets.home import Home
from vision_assets.resources.home import HomeResource
from vision_assets.vision.dataset.versions import DatasetVersions
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.ingest import ingest
from vision_assets.vision.store.landing import sweep
from vision_assets.vision.use_case import UseCase


@pytest.mark.slow
def test_it_lists_labels_with_pictures_and_a_table(
    parts: UseCase, home: Home, draw_folder: Callable[..., Path]
) -> None:
    draw_folder(8, folder="home/landing/parts")
    bundle_id = _bundle(parts, home)
    key = asset_key(parts, "exported_model")

    @dg.asset(key=key)
    def exported() -> dg.MaterializeResult:
        return dg.MaterializeResult(metadata={REFERENCE: bundle_id})

    made = dg.materialize([exported, label_suspicion(parts)], resources={"home": HomeResource()})
    (event,) = made.asset_materializations_for_node("parts__label_suspicion")
    assert event.metadata["images"].value > 0
    assert str(event.metadata["table for vision-assets label"].value).endswith("suspects.csv")


def _bundle(case: UseCase, home: Home) -> str:
    """Of a network trained for an epoch on drawn pictures."""
    from vision_assets.vision.export import export
    from vision_assets.vision.tasks.registry import load_task
    from vision_assets.vision.training.fit import fit

    landing, store = home.landing(case.spec.source.landing), ImageStore.open(home.store(case.name))
    for batch in sweep(landing, store, case.spec.source, home.batches(case.name)):
        ingest(store, batch, landing, case.spec)
    version = DatasetVersions(home.datasets(case.name)).create(store, case.spec)
    task, named = load_task(case.task), {"name": version.name, "fingerprint": version.fingerprint}
    trained = fit(
        task,
        version.manifest(),
        store.read,
        case.spec.recipe,
        version.classes,
        home.models(case.name),
        named,
        threads=1,
    )
    return export(task, trained, home.bundles(case.name), case.name).bundle_id
