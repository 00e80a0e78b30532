"""compare and suspects, on bundles of a real store."""

from pathlib import Path

import pandas as pd
import pytest

from vision_assets.home import Home
from vision_assets.project import use_case
from vision_assets.serving.deployments import Deployments
from vision_assets.vision.dataset.versions import DatasetVersions
from vision_assets.vision.export import export
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.tasks.classification.spec import ClassificationRecipe
from vision_assets.vision.tasks.registry import load_task
from vision_assets.vision.training.fit import fit


@pytest.fixture
def bundles(steel, run, home) -> list[Bundle]:
    """Two bundles of the drawn pictures, the second one trained for longer and deployed."""
    run("ingest", steel)
    where, case, task = Home(home), use_case(steel), load_task("classification")
    store = ImageStore.open(where.store(steel))
    version = DatasetVersions(where.datasets(steel)).create(store, case.spec)
    made = []
    for epochs in (1, 2):
        trained = fit(
            task,
            version.manifest(),
            store.read,
            ClassificationRecipe(image_size_px=32, epochs=epochs, batch_size=8),
            version.classes,
            where.models(steel),
            {"name": version.name, "fingerprint": version.fingerprint},
            threads=1,
        )
        made.append(export(task, trained, where.bundles(steel), steel))
    Deployments(where.deployments(steel)).deploy(
        made[1].bundle_id, made[1].folder, "steel:x", "a test", "a test"
    )
    return made


def test_two_models_are_compared_by_any_of_their_names(steel, bundles, run, run_json):
    first, second = bundles
    names = (first.card.model_id, "champion"), (first.bundle_id, "latest")
    said = [run_json("compare", steel, *pair) for pair in names]
    assert said[0] == said[1]
    assert (said[0]["first"], said[0]["second"]) == (first.bundle_id, second.bundle_id)
    assert sum(said[0]["counts"].values()) == said[0]["n"] > 0
    assert "McNemar" in Path(said[0]["page"]).read_text()
    printed = run("compare", steel, *names[0]).stdout
    assert "unchanged" in printed
    assert said[0]["page"] in printed


def test_an_unknown_model_is_told_with_those_that_exist(steel, bundles, run):
    told = run("compare", steel, "latest", "nothing", code=2).stderr
    assert bundles[0].bundle_id in told


def test_without_bundles_that_is_told(steel, run):
    assert "vision-assets run steel" in run("compare", steel, "latest", "latest", code=1).stderr
    assert "no champion" in run("compare", steel, "champion", "latest", code=1).stderr


def test_suspected_labels_are_mended_by_the_table(steel, bundles, run, run_json):
    said = run_json("suspects", steel)
    table = pd.read_csv(said["csv"])
    assert len(table) == len(said["suspects"]) > 0
    table["label"] = table["suggested"]
    table.to_csv(said["csv"], index=False)
    labelled = run_json("label", steel, said["csv"])
    assert labelled == {"new": 0, "changed": len(table), "unchanged": 0}
    assert said["csv"] in run("suspects", steel).stdout.replace("\n", "")
