"""No bundle is judged by images that it learned from."""

import pytest

from vision_assets.vision.dataset.versions import DatasetVersions
from vision_assets.vision.errors import DatasetError
from vision_assets.vision.evaluation.learned import learned_from, unseen
from vision_assets.vision.inference.bundle import Bundle, Card
from vision_assets_tests.vision.made_images import MadeImages, pipeline


@pytest.fixture
def versions(tmp_path) -> DatasetVersions:
    made = MadeImages()
    made.add_many(20, "good")
    made.add_many(20, "spot")
    versions = DatasetVersions(tmp_path)
    versions.create(made, pipeline())
    return versions


@pytest.fixture
def card(bundle: Bundle, versions: DatasetVersions) -> Card:
    dataset = {"name": versions.get("latest").name}
    return bundle.card.model_copy(update={"dataset": dataset})


def test_a_bundle_learned_from_the_splits_but_test(versions: DatasetVersions, card: Card):
    manifest = versions.get("latest").manifest()
    learned = manifest["image_id"].isin(list(learned_from(card, versions)))
    assert set(manifest.loc[learned, "split"]) == {"train", "val"}
    assert set(manifest.loc[~learned, "split"]) == {"test"}


def test_nothing_is_judged_by_what_it_learned_from(versions: DatasetVersions, card: Card):
    manifest = versions.get("latest").manifest()
    assert set(unseen(manifest, versions, [card, card])["split"]) == {"test"}


def test_what_a_bundle_of_a_version_that_is_gone_learned_from_is_not_known(
    versions: DatasetVersions, card: Card
):
    gone = card.model_copy(update={"dataset": {"name": "v0099-gone"}})
    with pytest.raises(DatasetError, match="v0099-gone"):
        learned_from(gone, versions)
