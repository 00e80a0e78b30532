"""Annotation files that land before, with and after their images."""

from pathlib import Path
from typing import ClassVar, Literal

import pytest

from vision_assets.vision.errors import SpecError
from vision_assets.vision.objects import from_text
from vision_assets.vision.spec import AnnotationErrors, PipelineSpec
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.ingest import ingest
from vision_assets.vision.store.landing import sweep
from vision_assets.vision.store.outcomes import IngestResult
from vision_assets.vision.store.people import annotate, label_from_csv, resolve
from vision_assets_tests.drawing import draw_jpeg
from vision_assets_tests.vision.store.conftest import Take


class ObjectsSpec(PipelineSpec):
    """Of a task that learns from objects."""

    learns_from: ClassVar[Literal["label", "objects"]] = "objects"


@pytest.fixture
def spec(landing: Path) -> PipelineSpec:
    source = {"landing": str(landing), "settle_s": 0, "label": "voc"}
    return ObjectsSpec.model_validate({"source": source, "classes": ["good", "scratch", "spot"]})


def voc(*boxes: tuple[int, int, int, int], label: str = "spot") -> bytes:
    objects = "".join(
        f"<object><name>{label}</name><bndbox><xmin>{left}</xmin><ymin>{top}</ymin>"
        f"<xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox></object>"
        for left, top, right, bottom in boxes
    )
    return f"<annotation>{objects}</annotation>".encode()


BOX, OTHER = (1, 2, 10, 20), (3, 4, 30, 31)


def boxes(store: ImageStore) -> list[list[tuple[float, ...]]]:
    """The boxes of every annotated image."""
    return [[each.box for each in from_text(text)] for text in store.labels()["objects"]]


def swept(landing: Path, store: ImageStore, spec: PipelineSpec, batches: Path) -> IngestResult:
    (batch,) = sweep(landing, store, spec.source, batches)
    return ingest(store, batch, landing, spec)


def test_an_image_and_its_annotation_are_taken_together(take: Take, store: ImageStore) -> None:
    outcomes = take({"a.jpg": draw_jpeg(0), "a.xml": voc(BOX, OTHER)})
    assert {path: o.status for path, o in outcomes.items()} == {
        "a.jpg": "accepted",
        "a.xml": "read",
    }
    assert boxes(store) == [[BOX, OTHER]]
    assert store.labels()["label"].tolist() == ["spot"]
    assert len(store.quarantine()) == 0


def test_an_annotation_that_comes_later_is_picked_up(
    take: Take, store: ImageStore, landing: Path, spec: PipelineSpec, tmp_path: Path
) -> None:
    take({"a.jpg": draw_jpeg(0), "b.jpg": draw_jpeg(1)})
    assert len(store.labels()) == 0
    (landing / "a.xml").write_bytes(voc(BOX))
    result = swept(landing, store, spec, tmp_path / "batches")
    assert (result.n_annotated, boxes(store)) == (1, [[BOX]])
    assert take() == {}


def test_an_image_that_shows_nothing_is_not_one_that_nobody_looked_at(
    take: Take, store: ImageStore
) -> None:
    take({"a.jpg": draw_jpeg(0), "a.xml": voc(), "b.jpg": draw_jpeg(1)})
    assert (boxes(store), store.labels()["class_id"].tolist()) == ([[]], [-1])


def test_a_file_that_was_changed_replaces_what_it_said(take: Take, store: ImageStore) -> None:
    take({"a.jpg": draw_jpeg(0), "a.xml": voc(BOX)})
    take({"a.xml": voc(BOX, OTHER)})
    assert boxes(store) == [[BOX, OTHER]]
    assert store.annotation_table.count() == 2


@pytest.mark.parametrize(("decision", "kept"), [("accept", OTHER), ("dismiss", BOX)])
def test_two_files_of_the_same_picture_that_disagree_wait_for_a_person(
    take: Take, store: ImageStore, spec: PipelineSpec, decision: str, kept: tuple
) -> None:
    take({"a.jpg": draw_jpeg(0), "a.xml": voc(BOX)})
    outcome = take({"b.jpg": draw_jpeg(0), "b.xml": voc(OTHER)})["b.jpg"]
    assert (outcome.reason, boxes(store)) == ("label_conflict", [[BOX]])
    resolve(store, str(outcome.item_id), decision, spec, "someone")
    assert boxes(store) == [[kept]]


def test_what_was_wrong_is_counted_and_named(
    take: Take, store: ImageStore, landing: Path, spec: PipelineSpec, tmp_path: Path
) -> None:
    (landing / "a.jpg").write_bytes(draw_jpeg(0))
    (landing / "a.xml").write_bytes(voc(BOX, (5, 5, 5, 5), (20, 20, 40, 40)))
    (landing / "gone.xml").write_bytes(voc(BOX))
    result = swept(landing, store, spec, tmp_path / "batches")
    assert {(fault.kind, fault.file, fault.object_index) for fault in result.faults} == {
        ("no_area", "a.xml", 2),
        ("outside", "a.xml", 3),
        ("missing_image", "gone.xml", None),
    }
    assert boxes(store) == [[BOX, (20, 20, 32, 32)]]


def test_an_image_is_refused_with_file_and_object_where_the_policy_says_so(
    take: Take, store: ImageStore, spec: PipelineSpec
) -> None:
    object.__setattr__(spec.source, "annotation_errors", AnnotationErrors(no_area="refuse"))
    outcome = take({"a.jpg": draw_jpeg(0), "a.xml": voc(BOX, (5, 5, 5, 5))})["a.jpg"]
    assert (outcome.reason, len(store.images())) == ("bad_annotation", 0)
    assert "a.xml, object 2: no_area" in str(outcome.detail)
    assert store.quarantine_bytes([str(outcome.item_id)]) == {outcome.item_id: draw_jpeg(0)}


def test_an_object_of_an_unknown_class_refuses_the_image(take: Take) -> None:
    outcome = take({"a.jpg": draw_jpeg(0), "a.xml": voc(BOX, label="dent")})["a.jpg"]
    assert (outcome.reason, "'dent'" in str(outcome.detail)) == ("unknown_class", True)


def test_classes_of_objects_are_learned_as_those_of_labels_are(
    take: Take, store: ImageStore, spec: PipelineSpec
) -> None:
    object.__setattr__(spec, "classes", ())
    take({"a.jpg": draw_jpeg(0), "a.xml": voc(BOX, label="dent")})
    assert [(entry.id, entry.name) for entry in store.classes()] == [(0, "dent")]


def test_a_damaged_file_leaves_its_image_unlabelled_until_it_is_put_right(
    take: Take, store: ImageStore
) -> None:
    take({"a.jpg": draw_jpeg(0), "a.xml": voc(BOX)[:-10]})
    assert (len(store.images()), len(store.labels())) == (1, 0)
    take({"a.xml": voc(BOX)})
    assert boxes(store) == [[BOX]]


def test_annotations_stay_where_images_are_moved(
    take: Take, store: ImageStore, spec: PipelineSpec, landing: Path
) -> None:
    object.__setattr__(spec.source, "after", "move")
    take({"a.jpg": draw_jpeg(0)})
    take({"a.xml": voc(BOX)})
    assert boxes(store) == [[BOX]]
    assert [(landing / name).exists() for name in ("a.xml", "a.jpg")] == [True, False]


def test_a_person_annotates_from_another_place_once(
    take: Take, store: ImageStore, spec: PipelineSpec, landing: Path, tmp_path: Path
) -> None:
    take({"deep/a.jpg": draw_jpeg(0), "deep/a.xml": voc(BOX), "b.jpg": draw_jpeg(1)})
    (tmp_path / "new").mkdir()
    (tmp_path / "new/a.xml").write_bytes(voc(OTHER))
    first, _ = annotate(store, landing, spec, "someone", tmp_path / "new")
    again, _ = annotate(store, landing, spec, "someone", tmp_path / "new")
    assert (first.changed, first.unspoken, boxes(store)) == (1, 1, [[OTHER]])
    assert (again.changed, again.new, again.unchanged) == (0, 0, 1)
    event = store.annotation_table.scan(["author", "source", "supersedes"]).to_pylist()[-1]
    assert (event["author"], event["source"]) == ("someone", "a.xml")
    assert event["supersedes"] is not None


def test_a_person_annotates_in_another_format(
    take: Take, store: ImageStore, spec: PipelineSpec, landing: Path, tmp_path: Path
) -> None:
    take({"a.jpg": draw_jpeg(0)})
    (tmp_path / "new").mkdir()
    (tmp_path / "new/a.txt").write_text("2 0.5 0.5 0.25 0.5\n")
    (tmp_path / "new/classes.txt").write_text("good\nscratch\nspot\n")
    done, _ = annotate(store, landing, spec, "someone", tmp_path / "new", "yolo")
    assert (done.new, boxes(store)) == (1, [[(12, 8, 20, 24)]])


def test_a_place_that_is_not_there_is_told(
    store: ImageStore, spec: PipelineSpec, landing: Path, tmp_path: Path
) -> None:
    with pytest.raises(SpecError, match="neither"):
        annotate(store, landing, spec, "someone", tmp_path / "nowhere")


def test_a_label_is_refused_where_objects_are_learned_from(
    take: Take, store: ImageStore, spec: PipelineSpec, tmp_path: Path
) -> None:
    take({"a.jpg": draw_jpeg(0)})
    (tmp_path / "labels.csv").write_text("image,label\na.jpg,spot\n")
    with pytest.raises(SpecError, match="vision-assets annotate"):
        label_from_csv(store, tmp_path / "labels.csv", spec, "someone")
