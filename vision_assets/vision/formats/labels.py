"""How a file tells its label: by its folder, its name, or a table."""

import csv
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePosixPath

from vision_assets.vision.errors import SpecError
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

_MAX_CSV_BYTES = 256 * 1024 * 1024
_MAX_CSV_ROWS = 2_000_000
_DELIMITERS = ",;\t"


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


def as_text(path: str) -> str:
    """A path as valid Unicode: bytes of a name that are not UTF-8 are shown as `\\xff`."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


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
    text = _read_text(path)
    header, _, _ = text.partition("\n")
    delimiter = max(_DELIMITERS, key=header.count)
    reader = csv.DictReader(text.splitlines(), delimiter=delimiter, strict=True)
    _check_columns(path, reader.fieldnames or [])
    rows: dict[str, Labelled] = {}
    try:
        for row in islice(reader, _MAX_CSV_ROWS + 1):
            _add_row(rows, row, f"{path}, row {reader.line_num}")
    except csv.Error as error:
        raise SpecError(f"{path}, row {reader.line_num}: not a CSV row: {error}") from error
    if len(rows) > _MAX_CSV_ROWS:
        raise SpecError(f"{path}: expected at most {_MAX_CSV_ROWS} rows; split the table")
    return rows


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_CSV_BYTES + 1)
    except OSError as error:
        raise SpecError(
            f"the table of labels {path} cannot be read ({error.strerror}); put it there, or "
            "change source.csv"
        ) from error
    if len(data) > _MAX_CSV_BYTES:
        raise SpecError(f"{path}: expected at most {_MAX_CSV_BYTES} bytes; split the table")
    try:
        return _composed(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n") + 1
        raise SpecError(f"{path}, row {row}: expected UTF-8; save the table as UTF-8") from error


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    if not {"file", "label"} <= set(columns):
        raise SpecError(f"{path}, row 1: expected columns `file` and `label`, got {list(columns)}")
    taken = sorted(set(columns) & RESERVED_COLUMNS - {"label", "split", "group"})
    if taken:
        raise SpecError(f"{path}, row 1: {taken} are names of the manifest; choose others")


def _add_row(rows: dict[str, Labelled], row: dict, place: str) -> None:
    if None in row or None in row.values():
        raise SpecError(f"{place}: expected as many fields as the header has columns")
    said = {name: text.strip() for name, text in row.items()}
    file, split = said.pop("file"), said.pop("split", "")
    if not file:
        raise SpecError(f"{place}: expected a path in `file`, got nothing")
    if split and split.lower() not in SPLIT_NAMES:
        raise SpecError(f"{place}: expected a split of {sorted(SPLIT_NAMES)}, got {split!r}")
    entry = Labelled(
        label=said.pop("label") or None,
        given_split=SPLIT_NAMES.get(split.lower()),
        attributes={name: text for name, text in said.items() if text},
    )
    if rows.setdefault(file, entry) != entry:
        raise SpecError(f"{place}: {file!r} is in an earlier row with other values; keep one")


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)
