"""proposed_annotations is materialized by hand, upon the deployed bundle."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from vision_assets.assets.proposed_annotations import proposed_annotations
from vision_assets.home import Home
from vision_assets.project import use_case
from vision_assets.resources.home import HomeResource
from vision_assets.serving.deployments import Deployments
from vision_assets.vision.errors import DeploymentError
from vision_assets.vision.export import export
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.ingest import ingest
from vision_assets.vision.store.landing import sweep
from vision_assets.vision.store.proposals import open_proposals
from vision_assets.vision.tasks.registry import load_task
from vision_assets.vision.training.fit import fit
from vision_assets.vision.use_case import UseCase
from vision_assets_tests.drawing import draw_jpeg
from vision_assets_tests.vision.dataset.drawn_dataset import DATASET, draw_dataset

YAML = """\
type: vision_assets.DetectionPipeline
attributes:
  source: {landing: landing/boxes, settle_s: 0, batch: {max_wait_s: 0}}
  classes: [{id: 10, name: good}, {id: 11, name: scratch}, {id: 12, name: spot}]
  recipe: {image_size_px: 32, epochs: 2, batch_size: 16}
"""


@pytest.fixture
def boxes(write_yaml: Callable[..., Path], home: Home) -> UseCase:
    """A use case of detection whose four images have labels and no list of objects."""
    write_yaml(YAML, "boxes")
    case = use_case("boxes")
    landing, store = home.landing(case.spec.source.landing), ImageStore.open(home.store("boxes"))
    (landing / "spot").mkdir(parents=True)
    for n in range(4):
        (landing / "spot" / f"{n}.jpg").write_bytes(draw_jpeg(50 + n, "spot"))
    for batch in sweep(landing, store, case.spec.source, home.batches("boxes")):
        ingest(store, batch, landing, case.spec)
    return case


def materialize(case: UseCase, limit: int = 1000) -> dg.ExecuteInProcessResult:
    config = {"ops": {"boxes__proposed_annotations": {"config": {"limit": limit}}}}
    assets = [proposed_annotations(case)]
    return dg.materialize(assets, resources={"home": HomeResource()}, run_config=config)


def test_without_a_deployed_model_it_says_what_to_run(boxes: UseCase) -> None:
    with pytest.raises(DeploymentError, match="vision-assets run boxes"):
        materialize(boxes)


@pytest.mark.slow
def test_it_counts_and_shows_what_the_deployed_model_proposes(boxes: UseCase, home: Home) -> None:
    drawn, task = draw_dataset(20), load_task("detection")
    rows, recipe = drawn.manifest, boxes.spec.recipe
    models = home.models("boxes")
    trained = fit(task, rows, drawn.read, recipe, drawn.classes, models, DATASET, threads=1)
    bundle = export(task, trained, home.bundles("boxes"), "boxes")
    Deployments(home.deployments("boxes")).deploy(
        bundle.bundle_id, bundle.folder, "boxes:x", why="test", by="test"
    )
    (made,) = materialize(boxes, limit=3).asset_materializations_for_node(
        "boxes__proposed_annotations"
    )
    said = {name: made.metadata[name].value for name in ("proposed now", "images that wait")}
    assert said == {"proposed now": 3, "images that wait": 1}
    found = open_proposals(ImageStore.open(home.store("boxes")))
    assert made.metadata["open proposals"].value == len(found) == 3
    assert set(found["author"]) == {f"model {bundle.bundle_id}"}
    assert set(found["kind"]) == {"objects"}
    assert "data:image/jpeg;base64," in str(made.metadata["least sure"].value)
