"""What people decide: labels, and what becomes of quarantined items."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from vision_assets.vision.errors import SpecError, StoreError
from vision_assets.vision.formats.csv_table import read_csv
from vision_assets.vision.formats.labels import Labelled
from vision_assets.vision.merging import merge_labels
from vision_assets.vision.spec import WITH_OBJECTS, LabelSource, PipelineSpec
from vision_assets.vision.store.annotating import Annotating, annotate_images, faults_of
from vision_assets.vision.store.chunk import classes_with
from vision_assets.vision.store.class_record import classes_by_name
from vision_assets.vision.store.commit import image_record
from vision_assets.vision.store.discarding import refuse_discarded
from vision_assets.vision.store.examination import examine, limits_of
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.outcomes import FoundFault
from vision_assets.vision.store.records import (
    LABEL,
    OBJECTS,
    Annotation,
    Refusal,
    Settlement,
    digest,
)

_SHOWN = 10


DECISIONS = ("accept", "dismiss")
"""What a person can decide of a quarantined item.

accept: the image is taken under the label that came with it, or under another one; of a
conflict, the new label replaces the old one. dismiss: the item stays out; of a conflict, the
old label stays.
"""


@dataclass(frozen=True)
class Labelling:
    """Images that got their first label, another one, or had the same already."""

    new: int
    changed: int
    unchanged: int


def label_from_csv(store: ImageStore, csv: Path, spec: PipelineSpec, author: str) -> Labelling:
    """Label images by a table with the columns `image` and `label`.

    Args:
        store: which holds the images.
        csv: `image` is an image id or the path of a landed file.
        spec: its classes; where it declares none, new labels are learned.
        author: who says so.

    Raises:
        SpecError: rows that are wrong, with their numbers; then no label is written. Or the use
            case learns from objects, which a label does not say.
        StoreLocked: another process writes.
    """
    if spec.learns_from == "objects":
        raise SpecError(
            "this use case learns from the objects on images, and a table of labels names none: "
            "give them boxes or masks with `vision-assets annotate`"
        )
    rows = list(read_csv(csv, ("image", "label")))
    with store.writing():
        ids = _image_ids(store, [row["image"] for _, row in rows])
        _check_rows(store, rows, ids, spec)
        wanted = {ids[row["image"]]: row["label"] for _, row in rows}
        return _label(store, wanted, spec, author, source=csv.name)


def annotate(
    store: ImageStore,
    landing: Path,
    spec: PipelineSpec,
    author: str,
    place: Path | None = None,
    form: LabelSource | None = None,
) -> tuple[Annotating, tuple[FoundFault, ...]]:
    """Take the annotations of all images from files, over whatever was said before.

    Args:
        store: which holds the images.
        landing: the landing folder.
        spec: its source, classes, and what to do about errors.
        author: who says so.
        place: file or folder of the annotations; default: those of the landing folder. Files are
            found by the names of the images, with or without the folders that they landed in.
        form: format of the files at `place`; default: that of the source.

    Returns:
        What became of the images, and what was wrong with annotations.

    Raises:
        SpecError: there is no such place, or the format says no objects.
        StoreLocked: another process writes.
        LandingUnreadable: an annotation file cannot be read now.
    """
    source = spec.source if form is None else spec.source.model_copy(update={"label": form})
    if not source.says_objects:
        raise SpecError(
            f"expected annotations of one of {', '.join(WITH_OBJECTS)}, got "
            f"source.label: {source.label}; name the format with --format"
        )
    if place is not None:
        landing, name = _root_and_name(place, source.label)
        source = source.model_copy(update={"annotations": name})
    spec = spec.model_copy(update={"source": source})
    found = store.images()
    images = list(zip(found["source"], found["image_id"], strict=True))
    cause = digest("annotate", author, datetime.now(UTC).isoformat())
    done = annotate_images(store, cause, images, landing, spec, author)
    return done, faults_of(store, cause)


def _root_and_name(place: Path, form: LabelSource) -> tuple[Path, str | None]:
    """The folder that annotations are looked for in, and which of its files."""
    if place.is_dir():
        return place, None if form == "coco" else "."
    if not place.is_file():
        raise SpecError(f"expected a file or folder of annotations, got {place}, which is neither")
    return place.parent, place.name


def resolve(
    store: ImageStore,
    item_id: str,
    decision: str,
    spec: PipelineSpec,
    author: str,
    label: str | None = None,
    why: str = "",
) -> None:
    """Settle one item of the quarantine.

    Args:
        store: which holds the item.
        item_id: as `ImageStore.quarantine` lists it.
        decision: one of DECISIONS.
        spec: its classes and image rules; an accepted image is examined by them again.
        author: who decides.
        label: the class to accept it under; default: the label that came with it.
        why: the reason, kept with the decision.

    Raises:
        StoreError: there is no such item, or it is settled.
        ImageRefused: the image cannot be accepted as it is.
        SpecError: the decision or the label is none of those that are allowed.
    """
    if decision not in DECISIONS:
        raise SpecError(f"expected one of {DECISIONS}, got {decision!r}")
    with store.writing():
        item = _open_item(store, item_id)
        taken = label or item.label
        if decision == "accept":
            _accept(store, item, taken, spec, author)
        settled = Settlement(item_id, decision, taken, author, why, datetime.now(UTC))
        store.settlement_table.add([settled])


def _open_item(store: ImageStore, item_id: str) -> Refusal:
    columns = [name for name in Refusal.__dataclass_fields__ if name != "bytes"]
    found = store.quarantine_table.lookup("item_id", [item_id], columns).to_pylist()
    if not found:
        raise StoreError(f"there is no item {item_id!r} in the quarantine of {store.root}")
    settled = store.settlement_table.lookup("item_id", [item_id], ["author", "decision"])
    if settled.num_rows:
        entry = settled.to_pylist()[0]
        raise StoreError(f"item {item_id} was settled by {entry['author']}: {entry['decision']}")
    return Refusal(**found[0], bytes=None)


def _accept(
    store: ImageStore, item: Refusal, label: str | None, spec: PipelineSpec, author: str
) -> None:
    if label is not None:
        _check_class(store, label, spec)
    if not store.image_table.lookup("image_id", [item.image_id], ["image_id"]).num_rows:
        refuse_discarded(store, item.item_id)
        data = store.quarantine_bytes([item.item_id])[item.item_id]
        said = Labelled(label, item.given_split, json.loads(item.attributes))
        image = examine(data, limits_of(spec.images))
        now = datetime.now(UTC)
        store.image_table.append(
            [image_record(item.image_id, item.source, item.batch_id, now, said, image)]
        )
    disputed = _disputed(store, item)
    if disputed is not None:
        if label is not None and label != disputed.label:
            class_id = _class_ids(store, [label], spec)[label]
            disputed = replace(disputed, class_id=class_id, label=label)
        store.annotation_table.append([replace(disputed, author=author)])
    elif label is not None:
        _label(store, {item.image_id: label}, spec, author, source=item.source)


def _disputed(store: ImageStore, item: Refusal) -> Annotation | None:
    """The event that takes the objects of an item of the quarantine; None where it has none."""
    columns = list(Annotation.__dataclass_fields__)
    found = store.annotation_table.lookup("event_id", [item.item_id], columns).to_pylist()
    if not found:
        return None
    current = store.labels_of([item.image_id])["event_id"].tolist()
    supersedes = current[0] if current else None
    return replace(
        Annotation(**found[0]),
        event_id=digest(OBJECTS, item.item_id, supersedes),
        kind=OBJECTS,
        time=datetime.now(UTC),
        supersedes=supersedes,
    )


def _label(
    store: ImageStore, wanted: dict[str, str], spec: PipelineSpec, author: str, source: str
) -> Labelling:
    """Write an event for every label that is new or differs; the store's lock is held."""
    ids = _class_ids(store, list(wanted.values()), spec)
    labels = merge_labels(store.labels_of(list(wanted)), store.classes(spec.classes))
    current = {row["image_id"]: row for row in labels.to_dict("records")}
    names = {entry.id: entry.name for entry in store.classes(spec.classes)}
    now = datetime.now(UTC)
    events = []
    for image_id, label in wanted.items():
        before = current.get(image_id)
        if before is not None and before["class_id"] == ids[label]:
            continue
        supersedes = None if before is None else before["event_id"]
        events.append(
            Annotation(
                event_id=digest(LABEL, image_id, ids[label], author, supersedes),
                image_id=image_id,
                kind=LABEL,
                class_id=ids[label],
                label=names[ids[label]],
                geometry=None,
                attributes="{}",
                author=author,
                source=source,
                time=now,
                supersedes=supersedes,
            )
        )
    store.annotation_table.append(events)
    changed = sum(event.supersedes is not None for event in events)
    return Labelling(len(events) - changed, changed, len(wanted) - len(events))


def _class_ids(store: ImageStore, labels: Sequence[str], spec: PipelineSpec) -> dict[str, int]:
    return {name: entry.id for name, entry in classes_with(store, spec, labels).items()}


def _check_class(store: ImageStore, label: str, spec: PipelineSpec) -> None:
    names = [entry.name for entry in store.classes(spec.classes)]
    if spec.classes and label not in _names(store, spec):
        raise SpecError(f"expected one of the classes {', '.join(names)}, got {label!r}")


def _names(store: ImageStore, spec: PipelineSpec) -> set[str]:
    """What a label may say: the names that classes have or had."""
    return set(classes_by_name(store.class_record(), store.classes(spec.classes)))


def _image_ids(store: ImageStore, said: Sequence[str]) -> dict[str, str]:
    """Image ids by what people call the images: the id, or the path that a batch took."""
    stored = store.image_table.lookup("image_id", said, ["image_id"])["image_id"].to_pylist()
    landed = store.ledger.lookup("path", said, ["path", "image_id"]).to_pylist()
    by_path = {row["path"]: row["image_id"] for row in landed if row["image_id"]}
    present = store.image_table.lookup("image_id", sorted(set(by_path.values())), ["image_id"])[
        "image_id"
    ].to_pylist()
    named = {path: key for path, key in by_path.items() if key in set(present)}
    return named | {image_id: image_id for image_id in stored}


def _check_rows(
    store: ImageStore,
    rows: list[tuple[str, dict[str, str]]],
    ids: dict[str, str],
    spec: PipelineSpec,
) -> None:
    names = _names(store, spec) if spec.classes else None
    wrong = []
    said: dict[str, str] = {}
    for place, row in rows:
        image, label = row["image"], row["label"]
        if image not in ids:
            wrong.append(f"{place}: {image!r} is neither an image id nor the path of a taken file")
        elif not label or (names is not None and label not in names):
            allowed = "a class name" if names is None else f"one of {sorted(names)}"
            wrong.append(f"{place}: expected {allowed}, got {label!r}")
        elif said.setdefault(ids[image], label) != label:
            wrong.append(f"{place}: an earlier row labels the same image {said[ids[image]]!r}")
    if wrong:
        more = f"\n... and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise SpecError("no label was written:\n" + "\n".join(wrong[:_SHOWN]) + more)
