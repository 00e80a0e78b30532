"""The data-set card: one self-contained HTML page that says what a version holds."""

import base64
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vision_assets.vision.atomic import write_text
from vision_assets.vision.dataset.difference import Difference
from vision_assets.vision.dataset.export import ReadableSource
from vision_assets.vision.dataset.object_statistics import object_statistics
from vision_assets.vision.dataset.object_table import object_table
from vision_assets.vision.dataset.versions import DatasetVersion
from vision_assets.vision.manifest import HELD_OUT, SPLITS, UNLABELLED, attribute_columns
from vision_assets.vision.object_drawing import css_colour
from vision_assets.vision.objects import AnnotatedObject, objects_of
from vision_assets.vision.pictures import thumbnail

CARD_FILE = "card.html"
_TEMPLATE = "card.html.j2"
_PER_CLASS = 7
_CLASSES_WITH_PICTURES = 24
_PER_CHANGE = 14
_LISTED = 50
_BINS = 40
_PLAIN_PX, _OBJECTS_PX = 112, 224
"""Side of a thumbnail: twice as many pixels as are shown where lines are drawn on it."""
_STATISTICS = ("brightness", "contrast", "sharpness")


@dataclass(frozen=True)
class Picture:
    """A thumbnail: a data URI, or none where the image was erased."""

    image_id: str
    source: str
    caption: str
    uri: str | None


def write_card(version: DatasetVersion, source: ReadableSource) -> str:
    """Write `card.html` into the version's folder, in place of an earlier one.

    The work is bounded: a few pictures per class and kind of change, whatever the size.

    Returns:
        The page.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("vision_assets.vision.dataset", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["colour"] = css_colour
    page = environment.get_template(_TEMPLATE).render(_content(version, source))
    write_text(version.folder / CARD_FILE, page)
    return page


def _content(version: DatasetVersion, source: ReadableSource) -> dict[str, Any]:
    manifest = version.manifest()
    gone = set(version.erased(source))
    out = manifest[manifest["split"] == HELD_OUT]
    return {
        "version": version,
        "n": len(manifest),
        "splits": _split_sizes(manifest),
        "classes": _class_rows(version),
        "pictures": _class_pictures(version, manifest, source, gone),
        "changes": _change_pictures(version, manifest, source, gone),
        "histograms": [_histogram(name, manifest[name]) for name in _STATISTICS],
        "objects": _objects(manifest, version),
        "ids": {entry.name: entry.id for entry in version.classes},
        "groups": _group_sizes(manifest),
        "attributes": _attributes(manifest),
        "held_out": out.head(_LISTED).to_dict("records"),
        "n_held_out": len(out),
        "results": version.results(),
        "erased": sorted(gone)[:_LISTED],
        "n_erased": len(gone),
    }


def _split_sizes(manifest: pd.DataFrame) -> list[dict[str, Any]]:
    sizes = manifest["split"].value_counts()
    n_in_splits = max(1, sum(int(sizes.get(split, 0)) for split in SPLITS))
    rows = []
    for split in (*SPLITS, HELD_OUT, UNLABELLED):
        n = int(sizes.get(split, 0))
        share = n / n_in_splits if split in SPLITS else None
        if n or split in SPLITS:
            rows.append({"name": split, "n": n, "share": share})
    return rows


def _class_rows(version: DatasetVersion) -> list[dict[str, Any]]:
    """Images per class and split, the largest class's total for the bars."""
    rows = []
    for entry in version.classes:
        counts = version.counts.get(entry.name, {})
        per_split = {split: counts.get(split, 0) for split in (*SPLITS, HELD_OUT)}
        total = sum(per_split[split] for split in SPLITS)
        rows.append({"class": entry, "counts": per_split, "total": total})
    largest = max([row["total"] for row in rows], default=0) or 1
    return [row | {"largest": largest} for row in rows]


def _class_pictures(
    version: DatasetVersion, manifest: pd.DataFrame, source: ReadableSource, gone: set[str]
) -> list[tuple[str, list[Picture]]]:
    """The first images of each class by id, which is as good as chance: ids are hashes."""
    there = manifest[~manifest["image_id"].isin(gone)]
    rows = there.groupby("class_id").head(_PER_CLASS)
    classes = [entry for entry in version.classes if (rows["class_id"] == entry.id).any()]
    classes = classes[:_CLASSES_WITH_PICTURES]
    rows = rows[rows["class_id"].isin([entry.id for entry in classes])]
    pictures = _pictures(rows, rows["split"], source, gone)
    by_id = {picture.image_id: picture for picture in pictures}
    return [
        (entry.name, [by_id[key] for key in rows["image_id"][rows["class_id"] == entry.id]])
        for entry in classes
    ]


def _change_pictures(
    version: DatasetVersion, manifest: pd.DataFrame, source: ReadableSource, gone: set[str]
) -> list[dict[str, Any]]:
    """What changed since the parent, with pictures; a first version has no changes to show."""
    if version.parent is None:
        return []
    changes = version.difference
    before = version.parent_manifest(["image_id", "source", "label", "objects", "split"])
    return [
        {
            "kind": kind,
            "n": changes.counts[kind],
            "pictures": _changed(kind, changes, before, manifest, source, gone),
        }
        for kind in ("added", "removed", "relabelled", "moved")
    ]


def _changed(
    kind: str,
    changes: Difference,
    before: pd.DataFrame,
    manifest: pd.DataFrame,
    source: ReadableSource,
    gone: set[str],
) -> list[Picture]:
    ids = getattr(changes, kind)[:_PER_CHANGE]
    if not ids:
        return []
    old, new = (frame[frame["image_id"].isin(ids)] for frame in (before, manifest))
    if kind == "added":
        return _pictures(new, new["label"].fillna(UNLABELLED), source, gone)
    if kind == "removed":
        erased = set(ids) - set(source.images(ids)["image_id"])
        return _pictures(old, old["label"].fillna(UNLABELLED), source, erased)
    column = "label" if kind == "relabelled" else "split"
    was, now = (frame[column].fillna(UNLABELLED) for frame in (old, new))
    captions = [f"{a} → {b}" for a, b in zip(was, now, strict=True)]  # both are sorted by id
    return _pictures(new, captions, source, gone)


def _pictures(
    rows: pd.DataFrame, captions: Iterable[str], source: ReadableSource, gone: set[str]
) -> list[Picture]:
    ids = [key for key in rows["image_id"] if key not in gone]
    said = dict(zip(rows["image_id"], objects_of(rows["objects"]), strict=True))
    uris = {key: _data_uri(data, said[key]) for key, data in source.read(ids)} if ids else {}
    cells = zip(rows["image_id"], rows["source"], captions, strict=True)
    return [Picture(key, path, str(caption), uris.get(key)) for key, path, caption in cells]


def _data_uri(data: bytes, objects: Sequence[AnnotatedObject]) -> str:
    buffer = io.BytesIO()
    thumbnail(data, _OBJECTS_PX if objects else _PLAIN_PX, objects).save(buffer, "JPEG", quality=78)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _histogram(name: str, column: pd.Series) -> dict[str, Any]:
    """Bars between the 0.5 % and 99.5 % quantiles; what lies outside is in the end bars."""
    values = column.dropna().to_numpy(float)
    low, median, high = np.quantile(values, [0.005, 0.5, 0.995]) if len(values) else (0, 0, 1)
    high = high if high > low else low + 1
    counts, _ = np.histogram(np.clip(values, low, high), _BINS, (low, high))
    bars = (counts / max(1, counts.max())).round(4).tolist()
    return {"name": name, "low": low, "median": median, "high": high, "bars": bars}


def _objects(manifest: pd.DataFrame, version: DatasetVersion) -> dict[str, Any] | None:
    """What the objects are like; None where nobody said which there are."""
    table = object_table(manifest, version.classes)
    if table.per_image.isna().all():
        return None
    found = object_statistics(table, version.classes)
    columns = {
        "objects on an image": table.per_image,
        "width of the box, px": table.objects["width"],
        "height of the box, px": table.objects["height"],
        "width ÷ height": table.objects["ratio"],
        "share of the image, %": 100 * table.objects["area_share"],
    }
    return {
        "found": found,
        "rows": found.classes.to_dict("records"),
        "together": found.together.to_dict("index"),
        "histograms": [_histogram(name, column) for name, column in columns.items()],
    }


def _group_sizes(manifest: pd.DataFrame) -> dict[str, int]:
    sizes = manifest["group"].value_counts()
    return {
        "groups": int((sizes > 1).sum()),
        "images": int(sizes[sizes > 1].sum()),
        "largest": int(sizes.max()) if len(sizes) else 0,
    }


def _attributes(manifest: pd.DataFrame) -> list[dict[str, Any]]:
    rows = []
    for name in attribute_columns(manifest.columns):
        values = manifest[name].value_counts()
        common: Sequence[tuple[Any, Any]] = list(values.head(6).items())
        rows.append({"name": name, "n": len(values), "common": common})
    return rows
