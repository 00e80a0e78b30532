"""Classes that are renamed, added and merged: what was written stays, what it means follows."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from vision_assets.vision.dataset.versions import DatasetVersions
from vision_assets.vision.errors import SpecError
from vision_assets.vision.evaluation.champion import fair_images
from vision_assets.vision.merging import merge_labels, merge_objects
from vision_assets.vision.objects import AnnotatedObject, from_text, to_text
from vision_assets.vision.spec import PipelineSpec
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.ingest import ingest_all
from vision_assets.vision.store.landing import sweep
from vision_assets.vision.store.people import label_from_csv
from vision_assets_tests.drawing import draw_jpeg
from vision_assets_tests.vision.store.conftest import Take

GOOD, SCRATCH, SPOT = (
    {"id": n, "name": name} for n, name in enumerate(("good", "scratch", "spot"))
)
RENAMED = {"id": 1, "name": "dent", "was": ["scratch"]}
MERGED = {"id": 1, "name": "scratch", "merges": [2]}


@pytest.fixture
def stored(take: Take, store: ImageStore) -> ImageStore:
    """Two images of each class."""
    files = {}
    for label in ("good", "scratch", "spot"):
        files |= {f"{label}/{n}.jpg": draw_jpeg(n, label) for n in range(2)}
    take(files)
    return store


def of(spec: PipelineSpec, *classes: dict[str, Any]) -> PipelineSpec:
    """The same use case with other classes."""
    said = {"source": spec.source.model_dump(), "classes": list(classes)}
    return PipelineSpec.model_validate(said)


def more(store: ImageStore, spec: PipelineSpec, files: dict[str, bytes]) -> list[str]:
    landing = Path(spec.source.landing)
    for path, data in files.items():
        (landing / path).parent.mkdir(exist_ok=True)
        (landing / path).write_bytes(data)
    batches = sweep(landing, store, spec.source, store.root.parent / "batches")
    results = list(ingest_all(store, batches, landing, spec))
    return [str(outcome.status) for result in results for outcome in result.outcomes]


def labels(store: ImageStore, spec: PipelineSpec) -> dict[str, int]:
    """Images per class of a new dataset version."""
    version = DatasetVersions(store.root.parent / "datasets").create(store, spec)
    found = version.manifest()["label"].value_counts()
    return {str(label): int(n) for label, n in found.items()}


def test_a_renamed_class_keeps_its_images_and_takes_files_under_either_name(
    stored: ImageStore, spec: PipelineSpec
) -> None:
    renamed = of(spec, GOOD, RENAMED, SPOT)
    events = stored.annotation_table.count()
    assert labels(stored, renamed) == {"good": 2, "dent": 2, "spot": 2}
    assert stored.annotation_table.count() == events
    new = {"scratch/7.jpg": draw_jpeg(7, "scratch"), "dent/8.jpg": draw_jpeg(8, "scratch")}
    assert more(stored, renamed, new) == ["accepted", "accepted"]
    assert labels(stored, renamed) == {"good": 2, "dent": 4, "spot": 2}


def test_a_new_name_that_is_recorded_needs_no_old_one(
    stored: ImageStore, spec: PipelineSpec
) -> None:
    more(stored, of(spec, GOOD, RENAMED, SPOT), {"good/9.jpg": draw_jpeg(9)})
    assert labels(stored, of(spec, GOOD, {"id": 1, "name": "dent"}, SPOT))["dent"] == 2


def test_an_id_that_is_used_for_another_meaning_is_refused(
    stored: ImageStore, spec: PipelineSpec
) -> None:
    reused = of(spec, GOOD, {"id": 1, "name": "stain"}, SPOT)
    with pytest.raises(SpecError, match=r"was: \[scratch\].*another class.*such as 3"):
        labels(stored, reused)
    with pytest.raises(SpecError, match="never used again"):
        more(stored, reused, {"stain/1.jpg": draw_jpeg(1)})


def test_names_by_position_do_not_slip(stored: ImageStore, spec: PipelineSpec) -> None:
    slipped = PipelineSpec(source=spec.source, classes=["good", "spot"])  # pyright: ignore[reportArgumentType]
    with pytest.raises(SpecError, match="under id 2"):
        labels(stored, slipped)


def test_an_added_class_takes_images_and_leaves_the_others(
    stored: ImageStore, spec: PipelineSpec
) -> None:
    more_classes = of(spec, GOOD, SCRATCH, SPOT, {"id": 3, "name": "stain"})
    assert more(stored, more_classes, {"stain/1.jpg": draw_jpeg(21)}) == ["accepted"]
    assert labels(stored, more_classes) == {"good": 2, "scratch": 2, "spot": 2, "stain": 1}


def test_a_merged_class_counts_for_the_one_that_it_became(
    stored: ImageStore, spec: PipelineSpec
) -> None:
    before = DatasetVersions(stored.root.parent / "datasets").create(stored, spec)
    merged = of(spec, GOOD, MERGED)
    assert labels(stored, merged) == {"good": 2, "scratch": 4}
    version = DatasetVersions(stored.root.parent / "datasets").get()
    assert version.changes["relabelled"] == 2
    assert version.results() == before.results()
    assert before.manifest()["label"].value_counts()["spot"] == 2, "the past stays as written"
    assert sorted(stored.labels()["class_id"]) == [0, 0, 1, 1, 2, 2]


def test_files_under_the_name_of_a_merged_class_are_taken_and_contradict_nothing(
    stored: ImageStore, spec: PipelineSpec, tmp_path: Path
) -> None:
    merged = of(spec, GOOD, MERGED)
    again = draw_jpeg(0, "spot")
    assert more(stored, merged, {"spot/9.jpg": draw_jpeg(9, "spot")}) == ["accepted"]
    assert more(stored, merged, {"scratch/same.jpg": again}) == ["known"]
    (tmp_path / "labels.csv").write_text("image,label\nspot/1.jpg,scratch\ngood/0.jpg,spot\n")
    said = label_from_csv(stored, tmp_path / "labels.csv", merged, "someone")
    assert (said.unchanged, said.changed) == (1, 1)
    assert labels(stored, merged) == {"good": 1, "scratch": 6}


def test_a_merge_that_is_taken_back_gives_the_classes_back(
    stored: ImageStore, spec: PipelineSpec
) -> None:
    labels(stored, of(spec, GOOD, MERGED))
    assert labels(stored, of(spec, GOOD, SCRATCH, SPOT)) == {"good": 2, "scratch": 2, "spot": 2}


def test_the_name_of_the_class_that_is_no_more_may_be_taken_over(
    stored: ImageStore, spec: PipelineSpec
) -> None:
    taken = {"id": 1, "name": "spot", "was": ["scratch"], "merges": [2]}
    assert labels(stored, of(spec, GOOD, taken)) == {"good": 2, "spot": 4}


def test_a_class_that_nobody_knows_cannot_be_merged(stored: ImageStore, spec: PipelineSpec) -> None:
    unknown = of(spec, GOOD, {"id": 1, "name": "scratch", "merges": [7]}, SPOT)
    with pytest.raises(SpecError, match=r"merges \[7\], which no annotation ever named"):
        labels(stored, unknown)


def test_a_class_cannot_be_listed_and_merged(spec: PipelineSpec) -> None:
    with pytest.raises(ValidationError, match=r"merged and listed, or merged twice: \[2\]"):
        of(spec, GOOD, MERGED, SPOT)


def test_nothing_changes_where_nothing_is_merged(stored: ImageStore, spec: PipelineSpec) -> None:
    first = DatasetVersions(stored.root.parent / "datasets").create(stored, spec)
    said = of(spec, GOOD, SCRATCH | {"was": ["scrape"]}, SPOT)
    assert DatasetVersions(stored.root.parent / "datasets").create(stored, said) == first
    assert merge_labels(stored.labels(), spec.classes).equals(stored.labels())


def test_objects_of_merged_classes_follow() -> None:
    text = to_text([AnnotatedObject(n, (0, 0, 4, 4)) for n in (1, 2, 3)])
    merged = from_text(str(merge_objects(text, {2: 1})))
    assert [each.class_id for each in merged] == [1, 1, 3]
    assert merge_objects(text, {9: 1}) is text
    assert merge_objects(None, {2: 1}) is None


def test_a_champion_that_tells_merged_classes_apart_is_judged_by_the_others(
    stored: ImageStore, spec: PipelineSpec
) -> None:
    from types import SimpleNamespace as Card

    labels(stored, of(spec, GOOD, MERGED))
    rows = DatasetVersions(stored.root.parent / "datasets").get().manifest()
    new, old = (Card(classes=[Card(id=n) for n in ids]) for ids in ((0, 1), (0, 1, 2)))
    cards: Any = (new, old)
    assert fair_images(rows, cards, (), {2: 1}).rows["label"].unique().tolist() == ["good"]
    assert len(fair_images(rows, cards, ()).rows) == 6
