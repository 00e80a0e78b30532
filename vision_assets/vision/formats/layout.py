"""How a folder of images says their labels: inferred from the paths alone.

<class>/name.jpg                          folder
train/<class>/name.jpg                    pattern with `split` and `label`
MT_<class>/Imgs/exp1_num_108719.jpg       pattern over the path
<class>_12.jpg                            pattern over the name
L2_camA_lot07_p0123_<class>.jpg           pattern with line, camera, lot, part, label
<anything>.jpg                            none
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from vision_assets.vision.formats.annotations.split_names import SPLIT_NAMES
from vision_assets.vision.formats.name_pattern import extension_pattern, infer_names
from vision_assets.vision.spec import LabelSource, SourceSpec

MAX_CLASSES = 200


@dataclass(frozen=True)
class Layout:
    """How labels are told; the fields are those of a use case's `source`.

    Attributes:
        label: how, as `source.label` says it.
        because: what was seen, for people.
        pattern: regular expression with named groups, where there is one.
        csv: path of the table below the folder, where there is one.
        annotations: where annotation files lie, where the format's own place is not meant.
        masks: `source.masks`, as far as it is not the default.
    """

    label: LabelSource
    because: str
    pattern: str | None = None
    csv: str | None = None
    annotations: str | None = None
    masks: Mapping[str, object] = field(default_factory=dict)

    def source(self, landing: str) -> SourceSpec:
        """As the source of a use case."""
        said = {
            "pattern": self.pattern,
            "csv": self.csv,
            "annotations": self.annotations,
            "masks": self.masks,
        }
        known = {name: value for name, value in said.items() if value}
        return SourceSpec.model_validate({"landing": landing, "label": self.label} | known)


def infer_layout(paths: Sequence[str]) -> Layout:
    """Infer the layout of images from their posix paths below their folder."""
    if not paths:
        return Layout("none", "there is no image")
    folders = _class_folders(paths)
    if folders is None:
        return _by_name(paths)
    if folders.is_parent:
        names = infer_names([PurePosixPath(path).name for path in paths], label=False)
        return Layout("folder", folders.because, pattern=names.pattern if names else None)
    return Layout("pattern", folders.because, pattern=folders.pattern(paths))


def without_label(pattern: str) -> str:
    """An inferred pattern whose label is any text."""
    return pattern.replace("(?P<label>", "(?:")


@dataclass(frozen=True)
class _Folders:
    """The levels of folders above the images, and which of them is the class."""

    levels: tuple[tuple[str, ...], ...]
    label_level: int
    splits: bool

    @property
    def n_classes(self) -> int:
        return len(self.levels[self.label_level])

    @property
    def is_parent(self) -> bool:
        return self.label_level == len(self.levels) - 1

    @property
    def because(self) -> str:
        what = "folders of splits and of classes" if self.splits else "folders of classes"
        return f"{what} ({self.n_classes} classes)"

    def pattern(self, paths: Sequence[str]) -> str:
        levels = [self._level(index) for index in range(len(self.levels))]
        names = infer_names([PurePosixPath(path).name for path in paths], label=False)
        name = names.pattern if names else rf"[^/]+{extension_pattern(paths)}"
        return "/".join([*levels, name])

    def _level(self, index: int) -> str:
        values = self.levels[index]
        if index == self.label_level:
            prefix = _shared_prefix(values)
            return rf"{re.escape(prefix)}(?P<label>[^/]+)"
        if _are_splits(values):
            return f"(?P<split>{'|'.join(values)})"
        return re.escape(values[0]) if len(values) == 1 else "[^/]+"


def _class_folders(paths: Sequence[str]) -> _Folders | None:
    """The folders that name classes; None where none do."""
    parents = [PurePosixPath(path).parts[:-1] for path in paths]
    depth = Counter(map(len, parents)).most_common(1)[0][0]
    regular = [parts for parts in parents if len(parts) == depth]
    if depth == 0 or len(regular) < 0.9 * len(parents):
        return None
    levels = tuple(tuple(sorted(set(values))) for values in zip(*regular, strict=True))
    split_levels = [index for index, values in enumerate(levels) if _are_splits(values)]
    candidates = [
        index
        for index, values in enumerate(levels)
        if 2 <= len(values) <= MAX_CLASSES
        and len(values) <= len(paths) / 2
        and index not in split_levels
    ]
    if not candidates:
        return None
    return _Folders(levels, candidates[-1], bool(split_levels))


def _are_splits(values: Sequence[str]) -> bool:
    return all(value.lower() in SPLIT_NAMES for value in values)


def _by_name(paths: Sequence[str]) -> Layout:
    names = infer_names([PurePosixPath(path).name for path in paths], label=True)
    if names is None:
        return Layout("none", "neither folders nor file names tell classes apart")
    attributes = ", ".join(names.attributes)
    because = f"file names tell the label{f' and {attributes}' if attributes else ''}"
    split = _split_level(paths)
    if split is not None:
        return Layout("pattern", f"{because}; folders tell the split", f"{split}/{names.pattern}")
    return Layout("pattern", because, pattern=names.pattern)


def _split_level(paths: Sequence[str]) -> str | None:
    """Pattern of the folders, where images lie in folders of splits alone."""
    parents = {PurePosixPath(path).parts[:-1] for path in paths}
    if all(len(parts) == 1 for parts in parents) and len(parents) > 1:
        values = sorted(parts[0] for parts in parents)
        return f"(?P<split>{'|'.join(values)})" if _are_splits(values) else None
    return None


def _shared_prefix(values: Sequence[str]) -> str:
    """What all names begin with, up to an underscore or a dash, such as `MT_`."""
    head = re.match(r"[A-Za-z0-9]+[_-]", values[0])
    if head and all(value.startswith(head[0]) and value != head[0] for value in values):
        return head[0]
    return ""
