"""Class ids for life: what the record of a store says, against what a YAML file declares."""

from collections.abc import Container, Iterable, Sequence

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
        SpecError: a declared name belongs to another id in the record, an id has a name that
            nobody said is a new one, or a class that is merged is not known.
    """
    if not declared:
        return tuple(
            ClassSpec(id=key, name=name, defect=None) for key, name in sorted(dict(record).items())
        )
    ids, names = {name: key for key, name in record}, dict(record)
    for entry in declared:
        _check_moved(entry, ids)
        _check_renamed(entry, names, [name for key, name in record if key == entry.id])
        _check_merged(entry, names)
    return declared


def classes_by_name(
    record: Sequence[tuple[int, str]], classes: Sequence[ClassSpec]
) -> dict[str, ClassSpec]:
    """What labels may say: names in force, names that a class had, names of those it merged.

    Args:
        record: pairs of id and name, oldest first.
        classes: in force.
    """
    of_id = {id_: entry for entry in classes for id_ in (entry.id, *entry.merges)}
    former = {name: of_id[key] for key, name in record if key in of_id}
    said = {name: entry for entry in classes for name in entry.was}
    return former | said | {entry.name: entry for entry in classes}


def _check_moved(entry: ClassSpec, ids: dict[str, int]) -> None:
    found = ids.get(entry.name, entry.id)
    if found != entry.id and found not in entry.merges:
        raise SpecError(
            f"expected class {entry.name!r} under id {found}, as it is stored, got id {entry.id}; "
            f"write `classes` with ids: {_as_yaml(sorted(ids.items()))}; or write "
            f"`merges: [{found}]` where the two become one class"
        )


def _check_renamed(entry: ClassSpec, names: dict[int, str], had: Sequence[str]) -> None:
    """A new name is another name of the same class only where the YAML says so."""
    stored = names.get(entry.id, entry.name)
    if entry.name not in had and stored != entry.name and stored not in entry.was:
        free = max(names) + 1
        raise SpecError(
            f"class {entry.id} is stored as {stored!r}, the YAML calls it {entry.name!r}: an id is "
            f"never used again for another class. If it was renamed, write `{{id: {entry.id}, "
            f"name: {entry.name}, was: [{stored}]}}`; if it is another class, give it an id of its "
            f"own, such as {free}"
        )


def _check_merged(entry: ClassSpec, names: dict[int, str]) -> None:
    unknown = sorted(set(entry.merges) - set(names))
    if unknown and names:
        raise SpecError(
            f"class {entry.name!r} merges {unknown}, which no annotation ever named; stored are: "
            f"{_as_yaml((name, key) for key, name in sorted(names.items()))}"
        )


def learn(
    classes: tuple[ClassSpec, ...], labels: Iterable[str], known: Container[str]
) -> list[ClassSpec]:
    """New classes for the labels that are no known name, in the order in which they come."""
    first = max((entry.id for entry in classes), default=-1) + 1
    fresh = [label for label in dict.fromkeys(labels) if label not in known]
    return [
        ClassSpec(id=first + offset, name=name, defect=None) for offset, name in enumerate(fresh)
    ]


def _as_yaml(pairs: Iterable[tuple[str, int]]) -> str:
    return "[" + ", ".join(f"{{id: {key}, name: {name}}}" for name, key in pairs) + "]"
