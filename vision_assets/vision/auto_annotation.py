"""A model annotates images that nobody has annotated, for a person to look at."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from vision_assets.vision.errors import ImageRefused
from vision_assets.vision.inference.answers import NOTHING_ID, Answer
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.inference.decode import STORED
from vision_assets.vision.inference.geometry.rle import Rle
from vision_assets.vision.inference.predictor import Predictor
from vision_assets.vision.objects import AnnotatedObject, to_text
from vision_assets.vision.spec import PipelineSpec
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.proposals import Proposal, add_proposals, proposed_for

_WRITTEN_AT_A_TIME = 256
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Proposed:
    """What became of the images without an annotation.

    Attributes:
        bundle_id: who proposed.
        proposed: images with a proposal now.
        unsure: images of which the bundle's answer is none of the use case's classes.
        waiting: images beyond the limit.
        refused: path of each image that cannot be decoded any more.
    """

    bundle_id: str
    proposed: int
    unsure: int
    waiting: int
    refused: tuple[str, ...] = ()


def propose(
    store: ImageStore,
    bundle: Bundle,
    spec: PipelineSpec,
    limit: int = 1000,
    on_progress: OnProgress | None = None,
) -> Proposed:
    """Propose annotations for images without one, which this bundle has not seen for that.

    Args:
        store: which holds the images.
        bundle: who proposes.
        spec: says whether a label or a list of objects is wanted.
        limit: images in one go, the newest first.
        on_progress: told of the images done and of all.

    Raises:
        StoreLocked: another process writes.
        BundleError: the model cannot be loaded.
    """
    todo = _without_annotation(store, spec, bundle.bundle_id)
    chosen, refused, n_proposed = todo[:limit], list[str](), 0
    predictor = Predictor(bundle, STORED)
    of_objects = spec.learns_from == "objects"
    known = {entry.id for entry in store.classes(spec.classes)}
    done = 0
    for batch in _batches(store.read(chosen)):
        found: list[Proposal] = []
        for image_id, data in batch:
            try:
                answer = predictor.predict(data)
            except ImageRefused:
                refused.append(image_id)
                continue
            found += _proposal(image_id, answer, of_objects, known)
        add_proposals(store, found, bundle.bundle_id)
        n_proposed, done = n_proposed + len(found), done + len(batch)
        if on_progress is not None:
            on_progress(done, len(chosen))
    unsure = len(chosen) - n_proposed - len(refused)
    waiting = len(todo) - len(chosen)
    return Proposed(bundle.bundle_id, n_proposed, unsure, waiting, tuple(refused))


def _without_annotation(store: ImageStore, spec: PipelineSpec, bundle_id: str) -> list[str]:
    """Ids of images that need one, the newest first."""
    labels = store.labels()
    if spec.learns_from == "objects":
        labels = labels[labels["objects"].notna()]
    images = store.images().sort_values("received_at", ascending=False, kind="stable")
    known = set(labels["image_id"]) | proposed_for(store, bundle_id)
    return images["image_id"][~images["image_id"].isin(known)].tolist()


def _proposal(image_id: str, answer: Answer, of_objects: bool, known: set[int]) -> list[Proposal]:
    """One proposal; none where the answer is none of the classes."""
    class_id, label, score = answer["class_id"], answer["label"], float(answer["score"])
    if not of_objects:
        return [Proposal(image_id, class_id, label, score)] if class_id in known else []
    if class_id not in known | {NOTHING_ID}:
        return []
    return [Proposal(image_id, class_id, label, score, to_text(_objects(answer)))]


def _objects(answer: Answer) -> list[AnnotatedObject]:
    return [
        AnnotatedObject(
            class_id=each["class_id"],
            box=tuple(each["box"]),
            polygons=tuple(tuple(polygon) for polygon in each.get("polygons", ())),
            mask=Rle.from_json(each["mask"]) if each.get("mask") else None,
        )
        for each in answer["objects"]
    ]


def _batches(
    images: Iterator[tuple[str, bytes]],
) -> Iterator[Sequence[tuple[str, bytes]]]:
    while batch := list(islice(images, _WRITTEN_AT_A_TIME)):
        yield batch
