from pathlib import Path

import pytest

from vision_assets.vision.dataset.card import write_card
from vision_assets.vision.dataset.versions import DatasetVersions
from vision_assets.vision.expectation_result import ExpectationResult
from vision_assets.vision.objects import AnnotatedObject
from vision_assets_tests.vision.made_images import MadeImages, pipeline


@pytest.fixture
def made() -> MadeImages:
    made = MadeImages()
    made.add_many(8, "good", lot="L1")
    made.add_many(8, "spot", lot="L2")
    return made


@pytest.fixture
def versions(tmp_path: Path) -> DatasetVersions:
    return DatasetVersions(tmp_path / "datasets")


def test_a_card_is_one_page_that_needs_nothing_else(
    versions: DatasetVersions, made: MadeImages
) -> None:
    version = versions.create(made, pipeline())
    page = write_card(version, made)
    assert (version.folder / "card.html").read_text() == page
    assert version.name in page
    assert page.count("data:image/jpeg;base64,") == 14
    assert "http" not in page
    assert "not checked yet" in page


def test_a_card_shows_changes_checks_and_what_is_held_out(
    versions: DatasetVersions, made: MadeImages
) -> None:
    first = versions.create(made, pipeline(group_by=("lot",)))
    relabelled = first.manifest()["image_id"].iloc[0]
    made.label_of[relabelled] = "scratch"
    made.add("good", lot="L3", given_split="exam")
    second = versions.create(made, pipeline(group_by=("lot",)))
    second.record_validation([ExpectationResult("ids", "critical", False, "ids are unique")])
    page = write_card(second, made)
    assert "1 relabelled" in page
    assert "→ scratch" in page
    assert "1 of 1 checks block" in page
    assert "given split &#39;exam&#39; is none of train, val, test" in page


def test_a_card_says_what_was_erased(versions: DatasetVersions, made: MadeImages) -> None:
    version = versions.create(made, pipeline())
    gone = version.manifest()["image_id"].iloc[0]
    made.erase(gone)
    page = write_card(version, made)
    assert "1 images of this version were erased" in page
    assert gone in page


def test_a_removed_image_is_shown_as_erased(versions: DatasetVersions, made: MadeImages) -> None:
    first = versions.create(made, pipeline())
    made.erase(first.manifest()["image_id"].iloc[0])
    page = write_card(versions.create(made, pipeline()), made)
    assert "1 removed" in page
    assert '<div class="erased">erased</div>' in page


def test_what_labels_say_is_text_and_not_markup(
    versions: DatasetVersions, made: MadeImages
) -> None:
    made.add("good", lot="<script>alert(1)</script>")
    assert "<script>" not in write_card(versions.create(made, pipeline()), made)


def test_a_card_of_images_without_labels_can_be_made(versions: DatasetVersions) -> None:
    made = MadeImages()
    made.add(None)
    assert "No image has a label yet" in write_card(versions.create(made, pipeline()), made)


def test_a_card_tells_of_objects(versions: DatasetVersions) -> None:
    made = MadeImages()
    for n in range(8):
        spot, scratch = AnnotatedObject(2, (0, 0, 20, 20)), AnnotatedObject(1, (n, n, n + 8, n + 4))
        made.add("spot", [spot, scratch])
    made.add("good", [])
    page = write_card(versions.create(made, pipeline()), made)
    assert "16 objects on 9 images" in page
    assert "1 images show none" in page
    assert "Images that show both classes" in page
    assert "share of the image, %" in page


def test_a_card_of_labels_alone_tells_nothing_of_objects(
    versions: DatasetVersions, made: MadeImages
) -> None:
    assert "<h2>Objects</h2>" not in write_card(versions.create(made, pipeline()), made)
