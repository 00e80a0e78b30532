"""A model proposes, a person decides, and only what was decided is an annotation."""

from collections.abc import Callable

import pytest

from vision_assets.vision.auto_annotation import Proposed, propose
from vision_assets.vision.errors import StoreError
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.inference.geometry.rle import encode
from vision_assets.vision.objects import AnnotatedObject, from_text, to_text
from vision_assets.vision.spec import PipelineSpec
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.proposals import (
    Proposal,
    add_proposals,
    open_proposals,
    settle_proposals,
)
from vision_assets_tests.drawing import draw_jpeg, draw_mask
from vision_assets_tests.vision.dataset.drawn_dataset import DrawnDataset
from vision_assets_tests.vision.store.conftest import Take

Run = Callable[[], Proposed]


@pytest.fixture
def spec(spec: PipelineSpec, drawn: DrawnDataset) -> PipelineSpec:
    """With the classes of the bundle."""
    return spec.model_copy(update={"classes": drawn.classes})


@pytest.fixture
def run(take: Take, store: ImageStore, spec: PipelineSpec, bundle: Bundle) -> Run:
    """Proposes for three images without a label, beside one that has one."""
    take({f"{seed}.jpg": draw_jpeg(seed, "spot") for seed in range(50, 53)})
    take({"good/a.jpg": draw_jpeg(0)})
    return lambda: propose(store, bundle, spec)


def test_images_without_a_label_get_a_proposal_by_the_model(run: Run, store: ImageStore):
    made = run()
    found = open_proposals(store)
    assert made.proposed == len(found) == 3
    assert set(found["source"]) == {"50.jpg", "51.jpg", "52.jpg"}
    assert set(found["author"]) == {f"model {made.bundle_id}"}
    assert found["score"].is_monotonic_increasing


def test_a_proposal_is_no_annotation(run: Run, store: ImageStore):
    before = store.token()
    run()
    assert store.token() == before
    assert len(store.labels()) == 1


def test_the_same_model_proposes_once(run: Run, store: ImageStore):
    run()
    assert run().proposed == 0
    assert len(open_proposals(store)) == 3


def test_what_a_person_accepts_is_an_annotation_in_their_name(run: Run, store: ImageStore):
    run()
    first = open_proposals(store).iloc[0]
    assert settle_proposals(store, [first["proposal_id"]], True, "someone") == 1
    events = store.annotation_table.scan(["image_id", "author", "source", "label"]).to_pylist()
    said = next(event for event in events if event["image_id"] == first["image_id"])
    assert said["author"] == "someone"
    assert said["source"] == f"proposal of {first['author']}"
    assert said["label"] == first["label"]
    assert len(open_proposals(store)) == 2


def test_what_a_person_rejects_stays_without_an_annotation(run: Run, store: ImageStore):
    run()
    settle_proposals(store, open_proposals(store)["proposal_id"].tolist(), False, "someone")
    assert len(open_proposals(store)) == 0
    assert len(store.labels()) == 1


def test_one_unknown_proposal_settles_none(run: Run, store: ImageStore):
    run()
    known = open_proposals(store)["proposal_id"][0]
    with pytest.raises(StoreError, match="'nonsense'"):
        settle_proposals(store, [known, "nonsense"], True, "someone")
    assert len(open_proposals(store)) == 3


def test_a_label_that_a_person_gave_meanwhile_closes_the_proposal(
    run: Run, store: ImageStore, take: Take
):
    run()
    take({"spot/again.jpg": draw_jpeg(50, "spot")})
    assert len(open_proposals(store)) == 2


def test_a_label_alone_does_not_close_a_proposal_of_objects(take: Take, store: ImageStore):
    outcome = take({"spot/a.jpg": draw_jpeg(0, "spot")})["spot/a.jpg"]
    objects = to_text([AnnotatedObject(1, (8, 8, 20, 20))])
    add_proposals(store, [Proposal(str(outcome.image_id), 1, "scratch", 0.7, objects)], "b" * 12)
    label = store.labels_of([str(outcome.image_id)])["event_id"][0]
    assert settle_proposals(store, open_proposals(store)["proposal_id"].tolist(), True, "one") == 1
    assert store.annotation_table.scan(["supersedes"])["supersedes"].to_pylist() == [None, label]
    assert store.labels()[["label", "objects"]].to_numpy().tolist() == [["scratch", objects]]
    assert len(open_proposals(store)) == 0


def test_objects_close_a_proposal_of_objects(take: Take, store: ImageStore):
    outcome = take({"a.jpg": draw_jpeg(0, "spot")})["a.jpg"]
    for bundle_id in ("a" * 12, "b" * 12):
        add_proposals(store, [Proposal(str(outcome.image_id), 2, "spot", 0.7, "[]")], bundle_id)
    settle_proposals(store, open_proposals(store)["proposal_id"].tolist(), True, "someone")
    assert len(open_proposals(store)) == 0


def test_objects_are_proposed_and_accepted_whole(take: Take, store: ImageStore):
    outcome = take({"a.jpg": draw_jpeg(0, "spot")})["a.jpg"]
    objects = to_text([AnnotatedObject(2, (8, 8, 20, 20), mask=encode(draw_mask(0, "spot")))])
    proposal = Proposal(str(outcome.image_id), 2, "spot", 0.7, objects)
    add_proposals(store, [proposal], "b" * 12)
    settle_proposals(store, open_proposals(store)["proposal_id"].tolist(), True, "someone")
    assert from_text(store.labels()["objects"][0]) == from_text(objects)
