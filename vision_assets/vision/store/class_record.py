"""Class ids for life: what the record of a store says, against what a YAML file declares."""

from collections.abc import Iterable, Sequence

from vision_assets.vision.errors import SpecError
from vision_assets.vision.spec import ClassSpec


def classes_in_force(
    record: Sequence[tuple[int, str]], declared: tuple[ClassSpec, ...]
) -> tuple[ClassSpec, ...]:
    """The declared classes, or those that the record learned.

    Args:
        record: pairs of id and name, oldest first; a later name of an id replaces the earlier.
        declared: what the YAML file says; empty: learn.

    Raises:
        SpecError: a declared name belongs to another id in the record.
    """
    if not declared:
        return tuple(
            ClassSpec(id=key, name=name, defect=None) for key, name in sorted(dict(record).items())
        )
    ids = {name: key for key, name in record}
    for entry in declared:
        if ids.get(entry.name, entry.id) != entry.id:
            raise SpecError(
                f"expected class {entry.name!r} under id {ids[entry.name]}, as it is stored, got "
                f"id {entry.id}; write `classes` with ids: {_as_yaml(sorted(ids.items()))}"
            )
    return declared


def learn(classes: tuple[ClassSpec, ...], labels: Iterable[str]) -> list[ClassSpec]:
    """New classes for the labels that have none, in the order in which they come."""
    known = {entry.name for entry in classes}
    first = max((entry.id for entry in classes), default=-1) + 1
    fresh = [label for label in dict.fromkeys(labels) if label not in known]
    return [
        ClassSpec(id=first + offset, name=name, defect=None) for offset, name in enumerate(fresh)
    ]


def _as_yaml(pairs: Iterable[tuple[str, int]]) -> str:
    return "[" + ", ".join(f"{{id: {key}, name: {name}}}" for name, key in pairs) + "]"
