"""How a file tells its label: by its folder, its name, or a table."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from vision_assets.vision.confined import Outside, confined
from vision_assets.vision.errors import SpecError
from vision_assets.vision.formats.annotations.open import open_annotations
from vision_assets.vision.formats.annotations.reader import AnnotationReader
from vision_assets.vision.formats.annotations.said import Fault, Kind, Said
from vision_assets.vision.formats.annotations.split_names import SPLIT_NAMES
from vision_assets.vision.formats.csv_table import read_csv
from vision_assets.vision.formats.exported_table import is_exported, label_row
from vision_assets.vision.formats.folder_names import from_folder
from vision_assets.vision.manifest import RESERVED_COLUMNS
from vision_assets.vision.spec import SourceSpec


@dataclass(frozen=True)
class Labelled:
    """What the place and name of a file, and its annotation, say of its image.

    Attributes:
        label: class of the whole image.
        given_split: one of the manifest's SPLITS.
        attributes: such as line or lot.
        said: of the objects on it; None where the source has no annotation files.
    """

    label: str | None = None
    given_split: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    said: Said | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """Every class that is named: of the image, then of the objects on it."""
        objects = self.said.objects if self.said is not None else None
        named = (self.label, *(each.label for each in objects or ()))
        return tuple(dict.fromkeys(label for label in named if label is not None))


Labeller = Callable[[str], Labelled]
"""From a posix path below the landing folder to what it says."""


def labeller(source: SourceSpec, landing: Path, indices: Path | None = None) -> Labeller:
    """The labeller of a source. Texts are in Unicode's composed form (NFC).

    A `pattern` gives attributes and a split whatever the label comes from.

    Args:
        source: where labels and annotations come from.
        landing: folder that all paths are below.
        indices: folder where what was read of large files is kept between runs.

    Raises:
        SpecError: the CSV is missing or wrong; the message names file and row.
    """
    of_image = _image_labeller(source)
    reader = open_annotations(source, landing, indices, lambda path: of_image(path).label)
    if reader is not None:
        return _by_annotations(reader, of_image)
    by_label: dict[str, Labeller] = {"folder": _by_folder, "none": _by_nothing}
    if source.pattern is not None:
        by_label["pattern"] = _by_pattern(source.pattern)
    if source.label == "csv" and source.csv is not None:
        by_label["csv"] = _by_csv(landing, source.csv)
    first = by_label[source.label]
    if source.pattern is None or source.label == "pattern":
        return first
    return _joined(first, by_label["pattern"])


def _image_labeller(source: SourceSpec) -> Labeller:
    """What is said of an image beside its objects: by `pattern`, else a split by its folder."""
    of_class = source.label == "mvtec" or (
        source.label == "masks" and source.masks.kind == "binary"
    )
    by_folder = _by_folder if of_class else _by_split_folder
    if source.pattern is None:
        return by_folder
    by_pattern = _by_pattern(source.pattern)
    if "label" in re.compile(source.pattern).groupindex:
        return _joined(by_pattern, _by_split_folder)
    return _joined(by_folder, by_pattern)


def _by_annotations(reader: AnnotationReader, of_image: Labeller) -> Labeller:
    def label(path: str) -> Labelled:
        image = of_image(path)
        split = reader.split_of(path) or image.given_split
        return replace(image, given_split=split, said=reader.read(path) or _nothing_said(path))

    return label


def _nothing_said(path: str) -> Said:
    detail = "expected an annotation, got none that speaks of the image"
    return Said(path, faults=(Fault(Kind.MISSING_ANNOTATION, path, detail),))


def _by_nothing(path: str) -> Labelled:
    return Labelled()


def _by_folder(path: str) -> Labelled:
    """The innermost folder is the label, unless it names a split; a folder above may name one."""
    folders = [_composed(part) for part in PurePosixPath(path).parts[:-1]]
    split = next((SPLIT_NAMES[f.lower()] for f in folders if f.lower() in SPLIT_NAMES), None)
    if not folders or folders[-1].lower() in SPLIT_NAMES:
        return Labelled(given_split=split)
    return Labelled(label=from_folder(folders[-1]), given_split=split)


def _by_split_folder(path: str) -> Labelled:
    """A folder may name a split; none names a label."""
    return Labelled(given_split=_by_folder(path).given_split)


def _by_pattern(pattern: str) -> Labeller:
    expression = re.compile(_composed(pattern))
    whole_path = "/" in pattern

    def label(path: str) -> Labelled:
        text = _composed(path)
        match = expression.fullmatch(text if whole_path else text.rpartition("/")[2])
        if match is None:
            return Labelled()
        found = _from_groups(match.groupdict())
        is_folder = whole_path and f"/{found.label}/" in f"/{text}"
        return replace(found, label=from_folder(str(found.label))) if is_folder else found

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
    try:
        rows = _read_rows(confined(landing, name))
    except Outside as error:
        raise SpecError(f"the table cannot be read: {error}") from error
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
        if is_exported(row):
            said = label_row(row)
            if said is None:
                continue
            row = said
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
