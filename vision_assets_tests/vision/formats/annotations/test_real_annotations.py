"""The public data sets, as their authors annotated them."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from vision_assets.vision.objects import from_text
from vision_assets.vision.spec import PipelineSpec
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.ingest import ingest
from vision_assets.vision.store.landing import sweep
from vision_assets.vision.store.outcomes import FoundFault

pytestmark = pytest.mark.real_data


def take(landing: Path, folder: Path, **source: Any) -> tuple[ImageStore, list[FoundFault]]:
    """A store of all that lies in a folder, and what was wrong with its annotations."""
    spec = PipelineSpec.model_validate(
        {"source": {"landing": str(landing), "settle_s": 0, "ignore": ["LICENSE"], **source}}
    )
    store = ImageStore.open(folder / "store")
    batches = sweep(landing, store, spec.source, folder / "batches")
    results = [ingest(store, batch, landing, spec) for batch in batches]
    return store, [fault for result in results for fault in result.faults]


def objects_of(store: ImageStore) -> Counter[str]:
    names = {entry.id: entry.name for entry in store.classes()}
    said = store.labels()["objects"].dropna()
    return Counter(names[each.class_id] for text in said for each in from_text(text))


def test_bccd_is_read_with_its_splits_and_its_two_broken_boxes_are_named(
    real_data: Path, tmp_path: Path
) -> None:
    store, faults = take(real_data / "bccd", tmp_path, label="voc")
    broken = {(fault.kind, Path(fault.file).name) for fault in faults}
    assert broken == {("no_area", f"BloodImage_00{number}.xml") for number in (338, 343)}
    read = objects_of(store) + Counter({"RBC": len(faults)})
    assert read == {"RBC": 4155, "WBC": 372, "Platelets": 361}
    splits = Counter(store.images()["given_split"])
    assert splits == {"train": 205, "val": 87, "test": 72}
    assert len(store.quarantine()) == 0


def test_boxes_of_neu_steel_may_be_of_another_class_than_the_file(
    real_data: Path, tmp_path: Path
) -> None:
    pattern = r"(?P<label>.+)_\d+\.jpg"
    store, faults = take(real_data / "neu-steel", tmp_path, label="voc", pattern=pattern)
    assert {(fault.kind, fault.done) for fault in faults} == {("difficult", "kept")}
    assert len(store.labels()) == 1799
    assert objects_of(store).total() == 4189 - 3  # patches_105.jpg is patches_101.jpg
    assert store.quarantine()["reason"].tolist() == ["label_conflict"]


def test_masks_of_magnetic_tiles_are_of_the_class_of_their_folder(
    real_data: Path, tmp_path: Path
) -> None:
    store, faults = take(
        real_data / "magnetic-tile",
        tmp_path,
        label="masks",
        masks={"extension": ".png"},
        pattern=r"MT_(?P<label>[^/]+)/Imgs/exp(?P<exposure>\d)_num_\d+\.jpg",
    )
    assert Counter(fault.kind for fault in faults) == {"no_object": 4}
    labels = store.labels()
    assert (len(labels), int(labels["objects"].isna().sum())) == (1344, 4)
    assert objects_of(store) == {
        **{"Blowhole": 115, "Break": 85, "Crack": 57, "Fray": 32},
        "Uneven": 99,
    }
