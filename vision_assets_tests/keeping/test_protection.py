"""What is never removed because a person, the next run or the registry still needs it."""

import dagster as dg
import mlflow
import pytest

from vision_assets.assets.graph import REFERENCE, asset_key
from vision_assets.home import Home
from vision_assets.keeping.housekeeping.protection import protection
from vision_assets.resources.tracking import prepare, set_champion
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.proposals import Proposal, add_proposals
from vision_assets.vision.use_case import UseCase
from vision_assets_tests.drawing import draw_jpeg
from vision_assets_tests.keeping.conftest import Fill


@pytest.fixture
def unlabelled(home: Home, fill: Fill) -> tuple[ImageStore, str]:
    """A store, and the id of its one image of which nothing is said."""
    (home.landing("landing/parts") / "unknown.jpg").write_bytes(draw_jpeg(99, "good"))
    store = fill(1)
    (image_id,) = set(store.images()["image_id"]) - set(store.labels()["image_id"])
    return store, image_id


def test_a_bundle_stays_while_its_proposals_wait_for_a_person(
    home: Home, parts: UseCase, dagster: dg.DagsterInstance, unlabelled: tuple[ImageStore, str]
) -> None:
    store, image_id = unlabelled
    add_proposals(store, [Proposal(image_id, 0, "good", 0.6)], "b" * 12)
    kept = protection(home, parts, dagster)
    assert kept.reasons == {"b" * 12: "its proposals wait for a person"}


@pytest.mark.parametrize(
    ("noun", "reference"),
    [
        ("trained_model", "m" * 12),
        ("exported_model", "b" * 12),
        ("evaluation_report", "r" * 12),
        ("bento_service", f"parts:{'b' * 12}"),
    ],
)
def test_what_an_asset_made_last_stays(
    home: Home, parts: UseCase, dagster: dg.DagsterInstance, noun: str, reference: str
) -> None:
    for each in ("earlier", reference):
        dagster.report_runless_asset_event(
            dg.AssetMaterialization(asset_key(parts, noun), metadata={REFERENCE: each})
        )
    assert protection(home, parts, dagster).reasons == {
        reference.rpartition(":")[2]: f"the latest {noun}"
    }


def test_the_champion_of_the_registry_stays(
    home: Home, parts: UseCase, dagster: dg.DagsterInstance
) -> None:
    client = mlflow.MlflowClient(prepare(home))
    client.create_registered_model("parts")
    for model_id in ("m1", "m2"):
        client.create_model_version("parts", f"models/{model_id}", tags={"model_id": model_id})
    set_champion(home, "parts", "m1")
    assert protection(home, parts, dagster).reasons == {"m1": "champion"}
