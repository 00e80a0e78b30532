"""How a file tells its label: by its folder, its name, or a table."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from vision_assets.vision.errors import SpecError
from vision_assets.vision.formats.csv_table import read_csv
from vision_assets.vision.manifest import RESERVED_COLUMNS
from vision_assets.vision.spec import SourceSpec

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
}
"""What folders, file names and tables call the splits."""


@dataclass(frozen=True)
class Labelled:
    """What the place and name of a file say of its image."""

    label: str | None = None
    given_split: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


Labeller = Callable[[str], Labelled]
"""From a posix path below the landing folder to what it says."""


def labeller(source: SourceSpec, landing: Path) -> Labeller:
    """The labeller of a source. Texts are in Unicode's composed form (NFC).

    A `pattern` gives attributes and a split whatever the label comes from.

    Raises:
        SpecError: the CSV is missing or wrong; the message names file and row.
    """
    by_label: dict[str, Labeller] = {"folder": _by_folder, "none": _by_nothing}
    if source.pattern is not None:
        by_label["pattern"] = _by_pattern(source.pattern)
    if source.label == "csv" and source.csv is not None:
        by_label["csv"] = _by_csv(landing, source.csv)
    first = by_label[source.label]
    if source.pattern is None or source.label == "pattern":
        return first
    return _joined(first, by_label["pattern"])


def _by_nothing(path: str) -> Labelled:
    return Labelled()


def _by_folder(path: str) -> Labelled:
    """The innermost folder is the label, unless it names a split; a folder above may name one."""
    folders = [_composed(part) for part in PurePosixPath(path).parts[:-1]]
    split = next((SPLIT_NAMES[f.lower()] for f in folders if f.lower() in SPLIT_NAMES), None)
    label = folders[-1] if folders and folders[-1].lower() not in SPLIT_NAMES else None
    return Labelled(label=label, given_split=split)


def _by_pattern(pattern: str) -> Labeller:
    expression = re.compile(_composed(pattern))
    whole_path = "/" in pattern

    def label(path: str) -> Labelled:
        text = _composed(path)
        match = expression.fullmatch(text if whole_path else PurePosixPath(text).name)
        return Labelled() if match is None else _from_groups(match.groupdict())

    return label


def _from_groups(groups: Mapping[str, str | None]) -> Labelled:
    """A group that took no part, or an empty one, says nothing; so does an unknown split."""
    said = {name: text for name, text in groups.items() if text}
    label, split = said.pop("label", None), said.pop("split", "")
    return Labelled(label, SPLIT_NAMES.get(split.lower()), said)


def _joined(first: Labeller, second: Labeller) -> Labeller:
    def label(path: str) -> Labelled:
        one, two = first(path), second(path)
        return Labelled(
            label=one.label,
            given_split=one.given_split or two.given_split,
            attributes={**two.attributes, **one.attributes},
        )

    return label


def _by_csv(landing: Path, name: str) -> Labeller:
    """`file` is a path below the landing folder, below the CSV's folder, or a bare file name."""
    rows = _read_rows(landing / name)
    folder = PurePosixPath(name).parent

    def label(path: str) -> Labelled:
        text = PurePosixPath(_composed(path))
        keys = [str(text), text.name]
        if text.is_relative_to(folder):
            keys.insert(1, str(text.relative_to(folder)))
        return next((rows[key] for key in keys if key in rows), Labelled())

    return label


def _read_rows(path: Path) -> dict[str, Labelled]:
    rows: dict[str, Labelled] = {}
    for place, row in read_csv(path, ("file", "label")):
        taken = sorted(set(row) & RESERVED_COLUMNS - {"label", "split", "group"})
        if taken:
            raise SpecError(f"{place}: the columns {taken} are names of the manifest; rename them")
        file, entry = _from_row(row, place)
        if rows.setdefault(file, entry) != entry:
            raise SpecError(f"{place}: {file!r} is in an earlier row with other values; keep one")
    return rows


def _from_row(row: dict[str, str], place: str) -> tuple[str, Labelled]:
    file, split = row.pop("file"), row.get("split", "")
    if not file:
        raise SpecError(f"{place}: expected a path in `file`, got nothing")
    if split and split.lower() not in SPLIT_NAMES:
        raise SpecError(f"{place}: expected a split of {sorted(SPLIT_NAMES)}, got {split!r}")
    return file, _from_groups(row)


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)
