"""From what the store knows to a manifest: labels, twins, links, splits."""

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from vision_assets.vision.dataset.duplicates import extend_pairs, find_twins, near_pairs
from vision_assets.vision.dataset.groups import Links
from vision_assets.vision.dataset.id_lookup import look_up, positions, sorted_by_id, take_text
from vision_assets.vision.dataset.manifest_file import conform
from vision_assets.vision.dataset.splits import assign_splits
from vision_assets.vision.errors import DatasetError
from vision_assets.vision.manifest import ANNOTATION_COLUMNS, SPLITS, TEXT
from vision_assets.vision.merging import merge_labels
from vision_assets.vision.spec import ClassSpec, SplitSpec


def build_manifest(
    images: pd.DataFrame,
    labels: pd.DataFrame,
    classes: Sequence[ClassSpec],
    pairs: pd.DataFrame,
    previous: pd.DataFrame | None,
    spec: SplitSpec,
    of_objects: bool = False,
    test_only: Collection[int] = (),
) -> pd.DataFrame:
    """The manifest of a new version.

    Args:
        images: what the store knows of every image.
        labels: `image_id`, `class_id`, `label`, `objects` of the labelled ones.
        classes: all classes; their names are the labels of the manifest.
        pairs: near pairs of the images' perceptual hashes.
        previous: manifest of the version before, whose splits are kept.
        spec: shares, seed, what makes a group.
        of_objects: whether an image without a list of objects counts as unlabelled.
        test_only: ids of classes whose images are put into the test split alone.

    Returns:
        One row per image with the columns of `manifest.COLUMNS` and attributes, sorted by id.

    Raises:
        DatasetError: there are no images, or `group_by` names no attribute.
    """
    if images.empty:
        raise DatasetError(
            "expected images in the store, got none; drop some into the landing folder, ingest them"
        )
    texts = [column for column, type_ in images.dtypes.items() if _is_text(type_)]
    manifest = sorted_by_id(images.astype(dict.fromkeys(texts, TEXT))).reset_index(drop=True)
    if of_objects:
        labels = labels[labels["objects"].notna()]
    manifest = _with_labels(manifest, merge_labels(labels, classes), classes)
    manifest["assigned_split"] = _assigned_before(manifest["image_id"], previous)
    manifest["duplicate_of"] = find_twins(manifest)
    links = Links.between(manifest, pairs, spec.group_by)
    return conform(manifest.assign(**assign_splits(manifest, links, spec, test_only)))


def build_pairs(
    images: pd.DataFrame, known: pd.DataFrame | None, known_pairs: pd.DataFrame, max_bits: int
) -> pd.DataFrame:
    """Near pairs of the images' hashes; only those new since the manifest `known` are compared."""
    hashes = images["phash"].to_numpy(np.uint64)
    if known is None:
        return near_pairs(hashes, max_bits)
    return extend_pairs(known_pairs, known["phash"].to_numpy(np.uint64), hashes, max_bits)


def count_images(
    manifest: pd.DataFrame,
    classes: Sequence[ClassSpec],
    test_only: Collection[int] = (),
    objects: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Images per class and split, zeros included; of classes that only test, of the test split.

    Args:
        manifest: one row per image.
        classes: the classes in force.
        test_only: ids of classes from whose images nothing is learned.
        objects: as `object_table` has them; an image with some counts for every class that it
            shows. None: it counts for the class that stands for it.

    Returns:
        One row per class and split: `label`, `class_id`, `split`, `n`, and `total`, the images
        of the class in all splits.
    """
    shown = manifest if objects is None else _shown(manifest, objects)
    found = shown[shown["split"].isin(SPLITS)].groupby(["class_id", "split"]).size()
    every = pd.MultiIndex.from_product(
        [[entry.id for entry in classes], SPLITS], names=["class_id", "split"]
    )
    counts = found.reindex(every, fill_value=0).rename("n").reset_index()
    counts.insert(0, "label", counts["class_id"].map({entry.id: entry.name for entry in classes}))
    counts["total"] = counts.groupby("class_id")["n"].transform("sum")
    learned = ~counts["class_id"].isin(list(test_only)) | (counts["split"] == "test")
    return counts[learned].reset_index(drop=True)


def _shown(manifest: pd.DataFrame, objects: pd.DataFrame) -> pd.DataFrame:
    """One row per image and class on it; images without objects by their own class."""
    columns = ["image_id", "class_id", "split"]
    of_objects = objects[columns].astype(manifest[columns].dtypes).drop_duplicates()
    bare = manifest.loc[~manifest["image_id"].isin(of_objects["image_id"]), columns]
    return pd.concat([bare, of_objects], ignore_index=True)


def _with_labels(
    images: pd.DataFrame, labels: pd.DataFrame, classes: Sequence[ClassSpec]
) -> pd.DataFrame:
    """A class that the list does not know keeps the label of its annotation; a check reports it."""
    row = positions(images["image_id"], labels["image_id"])
    said = labels.reindex(columns=list(ANNOTATION_COLUMNS)).reset_index(drop=True)
    joined = said.reindex(row)
    joined = joined.astype(ANNOTATION_COLUMNS).set_axis(images.index)
    known = pd.Index([entry.id for entry in classes])
    place = known.get_indexer(pd.Index(joined["class_id"].fillna(-1).astype(np.int64)))
    names = take_text([entry.name for entry in classes], place, images.index)
    return images.assign(
        class_id=joined["class_id"],
        label=names.where(place >= 0, joined["label"]),
        objects=joined["objects"],
    )


def _assigned_before(ids: pd.Series, previous: pd.DataFrame | None) -> pd.Series:
    if previous is None:
        return pd.Series(pd.NA, ids.index, TEXT)
    return look_up(ids, previous["image_id"], previous["assigned_split"])


def _is_text(type_: object) -> bool:
    return type_ == "object" or isinstance(type_, pd.StringDtype)
