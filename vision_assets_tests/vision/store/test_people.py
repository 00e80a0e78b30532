"""What a person settles: labels, conflicts, erasure."""

from pathlib import Path

import pytest

from vision_assets.vision.errors import SpecError, StoreError
from vision_assets.vision.spec import PipelineSpec
from vision_assets.vision.store.erasure import remove
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.people import label_from_csv, resolve
from vision_assets_tests.drawing import draw_jpeg
from vision_assets_tests.vision.store.conftest import Take


def test_a_table_labels_images_by_path(
    take: Take, store: ImageStore, spec: PipelineSpec, tmp_path: Path
) -> None:
    take({"a.jpg": draw_jpeg(0)})
    (tmp_path / "labels.csv").write_text("image,label\na.jpg,spot\n")
    assert label_from_csv(store, tmp_path / "labels.csv", spec, "someone").new == 1
    assert store.labels()["label"].tolist() == ["spot"]


def test_a_table_with_a_wrong_row_labels_nothing(
    take: Take, store: ImageStore, spec: PipelineSpec, tmp_path: Path
) -> None:
    take({"a.jpg": draw_jpeg(0)})
    (tmp_path / "labels.csv").write_text("image,label\na.jpg,spot\nb.jpg,spot\n")
    with pytest.raises(SpecError, match=r"b\.jpg"):
        label_from_csv(store, tmp_path / "labels.csv", spec, "someone")
    assert len(store.labels()) == 0


@pytest.mark.parametrize(("decision", "label"), [("accept", "spot"), ("dismiss", "good")])
def test_a_conflict_is_settled_once(
    take: Take, store: ImageStore, spec: PipelineSpec, decision: str, label: str
) -> None:
    take({"good/a.jpg": draw_jpeg(0)})
    item = str(take({"spot/a.jpg": draw_jpeg(0)})["spot/a.jpg"].item_id)
    resolve(store, item, decision, spec, "someone")
    assert store.labels()["label"].tolist() == [label]
    with pytest.raises(StoreError):
        resolve(store, item, decision, spec, "someone")


def test_an_unknown_class_is_accepted_under_a_known_one(
    take: Take, store: ImageStore, spec: PipelineSpec
) -> None:
    item = str(take({"dent/a.jpg": draw_jpeg(0)})["dent/a.jpg"].item_id)
    resolve(store, item, "accept", spec, "someone", label="spot")
    assert store.labels()["label"].tolist() == ["spot"]


def test_an_erased_image_is_gone_from_the_disk_and_does_not_come_back(
    take: Take, store: ImageStore
) -> None:
    data = draw_jpeg(0)
    image_id = str(take({"good/a.jpg": data, "good/b.jpg": draw_jpeg(1)})["good/a.jpg"].image_id)
    remove(store, [image_id], "someone", "the person asked for it")
    files = [path.read_bytes() for path in store.root.rglob("*") if path.is_file()]
    assert not any(data[100:400] in content for content in files)
    assert take({"good/again.jpg": data})["good/again.jpg"].status == "erased"
    assert store.erased()["image_id"].tolist() == [image_id]
