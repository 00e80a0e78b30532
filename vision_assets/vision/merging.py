"""Classes that became part of others: annotations stay as they were written, and count for these.

A merge is what the YAML says now: without it, the annotations say what they said before.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pandas as pd

from vision_assets.vision.objects import from_text, to_text
from vision_assets.vision.spec import ClassSpec


def merged_ids(classes: Iterable[ClassSpec]) -> dict[int, int]:
    """Ids of the classes that they became part of, by ids of the classes that are no more."""
    return {gone: entry.id for entry in classes for gone in entry.merges}


def merge_labels(labels: pd.DataFrame, classes: Iterable[ClassSpec]) -> pd.DataFrame:
    """Current annotations, with the classes that are in force.

    Args:
        labels: `class_id`, and `objects` as `vision.objects` writes them, missing without any.
        classes: in force.
    """
    merged = merged_ids(classes)
    if not merged or labels.empty:
        return labels
    ids = labels["class_id"].replace(merged)
    objects = labels["objects"].map(lambda text: merge_objects(text, merged))
    return labels.assign(class_id=ids, objects=objects.astype(labels["objects"].dtype))


def merge_objects(text: object, merged: Mapping[int, int]) -> object:
    """The text of a list of objects, with the classes that are in force; else as it is."""
    if not isinstance(text, str):
        return text
    objects = from_text(text)
    if not any(each.class_id in merged for each in objects):
        return text
    return to_text(
        [replace(each, class_id=merged.get(each.class_id, each.class_id)) for each in objects]
    )
