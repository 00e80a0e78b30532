"""A regular expression for file names, inferred from examples.

A name is split at its underscores into tokens. Tokens that look alike in all names at its
start and at its end are read as fields (`lot07` is lot 07, `camA` is camera A, `12` counts);
what is left in the middle is text: the label.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from vision_assets.vision.manifest import RESERVED_COLUMNS

MAX_LABELS = 200
_MOSTLY = 0.9
_FIELD = re.compile(r"(?P<prefix>[A-Za-z]{1,12}?)(?P<value>\d+)|(?P<cam>[a-z]{2,12})(?P<id>[A-Z])")
_KNOWN = {
    "l": "line",
    "c": "camera",
    "cam": "camera",
    "p": "part",
    "b": "batch",
    "exp": "exposure",
}
"""What the abbreviations in names usually stand for."""


@dataclass(frozen=True)
class NamePattern:
    """An inferred pattern and the attributes that its groups give."""

    pattern: str
    attributes: tuple[str, ...]


_Signature = tuple[tuple[str, ...], tuple[str, ...]]
"""Kinds of the tokens before and after the text: `#` counts, `lot#` a number, `cam@` a letter."""


def infer_names(names: Sequence[str], label: bool) -> NamePattern | None:
    """Infer the pattern of file names.

    Args:
        names: file names with extension.
        label: whether the text is the label; else only attributes are looked for.

    Returns:
        None where names have no common form or, with `label`, tell no classes apart.
    """
    stems = [PurePosixPath(name).stem for name in names]
    tokens = [stem.split("_") for stem in stems]
    counted = Counter(map(_signature, tokens))
    (before, after), n_alike = counted.most_common(1)[0]
    if n_alike < _MOSTLY * len(names):
        return None
    alike = [entry for entry in tokens if _signature(entry) == (before, after)]
    texts = {"_".join(entry[len(before) : len(entry) - len(after)]) for entry in alike}
    if label and not 2 <= len(texts) <= min(MAX_LABELS, len(names) / 2):
        return None
    groups = _group_names((*before, *after))
    if not label and not any(groups):
        return None
    fields = [_field(kind, group) for kind, group in zip((*before, *after), groups, strict=True)]
    middle = [_text(texts, label)] if texts != {""} else []
    parts = [*fields[: len(before)], *middle, *fields[len(before) :]]
    return NamePattern("_".join(parts) + extension_pattern(names), tuple(filter(None, groups)))


def extension_pattern(paths: Sequence[str]) -> str:
    """Pattern of the extensions that the files have, such as `\\.jpg`."""
    extensions = sorted({PurePosixPath(path).suffix for path in paths})
    if len(extensions) == 1:
        return re.escape(extensions[0])
    return f"(?:{'|'.join(map(re.escape, extensions))})"


def _signature(tokens: list[str]) -> _Signature:
    before = _leading(tokens)
    after = _leading(tokens[len(before) :][::-1])
    return tuple(before), tuple(after[::-1])


def _leading(tokens: Sequence[str]) -> list[str]:
    kinds: list[str] = []
    for token in tokens:
        kind = _kind(token)
        if kind is None:
            break
        kinds.append(kind)
    return kinds


def _kind(token: str) -> str | None:
    if token.isdecimal():
        return "#"
    match = _FIELD.fullmatch(token)
    if match is None:
        return None
    return f"{match['prefix']}#" if match["prefix"] else f"{match['cam']}@"


def _group_names(kinds: Sequence[str]) -> list[str | None]:
    """A name for every field with a prefix; numbers alone only count and get none."""
    names: list[str | None] = []
    for kind in kinds:
        prefix = kind[:-1].lower()
        name = _KNOWN.get(prefix, prefix)
        if name in RESERVED_COLUMNS or name in names or name == "file":
            name = f"{name}_{len(names) + 1}"
        names.append(name if prefix else None)
    return names


def _field(kind: str, group: str | None) -> str:
    value = r"\d+" if kind[-1] == "#" else "[A-Z]"
    return value if group is None else f"{re.escape(kind[:-1])}(?P<{group}>{value})"


def _text(texts: set[str], label: bool) -> str:
    if label:
        return "(?P<label>.+)"
    return re.escape(next(iter(texts))) if len(texts) == 1 else ".+"  # a `/` would mean the path
