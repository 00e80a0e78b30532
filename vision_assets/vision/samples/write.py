"""A folder of drawn pictures as a factory would deliver it, warts included."""

import io
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from vision_assets.vision.atomic import write_bytes
from vision_assets.vision.errors import SpecError
from vision_assets.vision.samples.annotate import annotator
from vision_assets.vision.samples.draw import LABELS, LINES, Sample, draw, to_jpeg
from vision_assets.vision.samples.light import CAMERAS

PATTERN = r"L(?P<line>\d+)_cam(?P<camera>[A-Z])_lot(?P<lot>\d+)_p(?P<part>\d+)_(?P<label>.+)\.jpg"
"""The names of the files, as a use case's `source.pattern`."""

MAX_PICTURES = 100_000
_PARTS_PER_LOT = 40
_TEXT = b"camera not ready, error 0x17\n"


@dataclass(frozen=True)
class SampleReport:
    """What was written.

    Attributes:
        folder: where to.
        labels: number of sound, distinct pictures per label.
        broken: names of files that are no whole image.
        duplicates: copy and original with the same bytes and label.
        near_duplicates: the same picture, encoded again a little brighter, and its original.
        conflicts: copy and original with the same bytes under two labels.
        wrong_annotations: names of pictures whose annotation is wrong.
        size_bytes: of all files.
    """

    folder: Path
    labels: dict[str, int]
    broken: tuple[str, ...]
    duplicates: tuple[tuple[str, str], ...]
    near_duplicates: tuple[tuple[str, str], ...]
    conflicts: tuple[tuple[str, str], ...]
    size_bytes: int
    wrong_annotations: tuple[str, ...] = ()

    @property
    def n_files(self) -> int:
        extra = (self.broken, self.duplicates, self.near_duplicates, self.conflicts)
        return sum(self.labels.values()) + sum(map(len, extra))


@dataclass(frozen=True)
class _Shot:
    """One picture to be drawn: where it is taken, and of which class it is."""

    line: str
    camera: str
    lot: int
    part: str
    label: str

    @property
    def name(self) -> str:
        return f"{self.line}_cam{self.camera}_lot{self.lot:02d}_{self.part}_{self.label}.jpg"


@dataclass(frozen=True)
class _Copy:
    """A file made from another one: which wart it is, its name, its original, what it shows."""

    kind: str
    shot: _Shot
    of: _Shot
    sample: Sample
    data: bytes


def write_samples(
    folder: Path,
    n: int,
    seed: int = 0,
    *,
    broken: int = 3,
    duplicates: int = 4,
    near_duplicates: int = 3,
    conflicts: int = 1,
    format: str = "pattern",
    wrong_annotations: int = 3,
    annotations: Path | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> SampleReport:
    """Draw pictures into a folder; the same arguments give the same files, byte for byte.

    Args:
        folder: created when it does not exist.
        n: number of sound, distinct pictures; all labels are equally frequent.
        seed: pictures of different seeds have different part numbers.
        broken: additional files: truncated, zero bytes, and text named .jpg, in turn.
        duplicates: additional files with the bytes of another part of the same label.
        near_duplicates: additional files that show another part again, slightly brighter.
        conflicts: additional files with the bytes of another part of another label.
        format: pattern, voc, coco, yolo, masks or mvtec (`samples.annotate`).
        wrong_annotations: how many annotations are wrong, where the format has any.
        annotations: folder for `<name>.json` (boxes) and `<name>.png` (mask) of every sound
            picture; keep it out of the landing folder, where masks would count as images.
        on_progress: called with the number of pictures drawn and `n`.

    Raises:
        SpecError: a number is out of its range.
    """
    numbers = {
        "broken": broken,
        "duplicate": duplicates,
        "near_duplicate": near_duplicates,
        "conflict": conflicts,
    }
    _check_numbers(n, seed, sum(numbers.values()))
    shots, beside = _shots(n, seed), annotator(format, folder)
    wrong: list[str] = []
    size_bytes = 0
    for index, shot in enumerate(shots):
        sample = _draw(seed, index, shot)
        place = beside.place(shot.name, shot.label, index)
        size_bytes += _write_shot(folder / place, sample, annotations)
        if beside.note(place, sample, len(wrong) < wrong_annotations):
            wrong.append(shot.name)
        if on_progress is not None:
            on_progress(index + 1, n)
    copies = _copies(shots, seed, numbers)
    for turn, copy in enumerate(copies, start=n):
        place = beside.place(copy.shot.name, copy.shot.label, turn)
        write_bytes(folder / place, copy.data)
        beside.note(place, copy.sample, False)
        size_bytes += len(copy.data)
    beside.finish()
    return _report(folder, shots, copies, size_bytes, tuple(wrong))


def _write_shot(path: Path, sample: Sample, annotations: Path | None) -> int:
    """Write one picture; its size in bytes."""
    jpeg = to_jpeg(sample)
    write_bytes(path, jpeg)
    if annotations is not None:
        _annotate(annotations, path.stem, sample)
    return len(jpeg)


def _report(
    folder: Path, shots: list[_Shot], copies: list[_Copy], size_bytes: int, wrong: tuple[str, ...]
) -> SampleReport:
    return SampleReport(
        folder=folder,
        labels=dict(Counter(shot.label for shot in shots)),
        broken=tuple(copy.shot.name for copy in copies if copy.kind == "broken"),
        duplicates=_pairs(copies, "duplicate"),
        near_duplicates=_pairs(copies, "near_duplicate"),
        conflicts=_pairs(copies, "conflict"),
        size_bytes=size_bytes,
        wrong_annotations=wrong,
    )


def _check_numbers(n: int, seed: int, n_copies: int) -> None:
    if not 1 <= n <= MAX_PICTURES:
        raise SpecError(f"expected 1 to {MAX_PICTURES} pictures, got {n}; use several seeds")
    if seed < 0:
        raise SpecError(f"expected a seed of at least 0, got {seed}")
    if not 0 <= n_copies <= n:
        raise SpecError(
            f"expected at most as many broken and duplicate files as pictures ({n}), "
            f"got {n_copies}; draw more pictures or fewer copies"
        )


def _shots(n: int, seed: int) -> list[_Shot]:
    """Parts in the order in which they come: lots of 40, each from one line."""
    rng = np.random.default_rng((seed, n))
    labels = rng.permutation(np.resize(LABELS, n))
    cameras = rng.choice(list(CAMERAS), n)
    lines = rng.choice(list(LINES), n // _PARTS_PER_LOT + 1)
    return [
        _Shot(
            line=str(lines[index // _PARTS_PER_LOT]),
            camera=str(cameras[index]),
            lot=index // _PARTS_PER_LOT + 1,
            part=_part(seed, index),
            label=str(labels[index]),
        )
        for index in range(n)
    ]


def _part(seed: int, index: int) -> str:
    return f"p{seed}{index:05d}"


def _draw(seed: int, index: int, shot: _Shot) -> Sample:
    return draw((seed, index), shot.label, line=shot.line, camera=shot.camera)


def _copies(shots: list[_Shot], seed: int, numbers: dict[str, int]) -> list[_Copy]:
    """The files that are not one sound, distinct picture; each has an original of its own."""
    n = len(shots)
    rng = np.random.default_rng((seed, n, 1))
    kinds = [kind for kind, number in numbers.items() for _ in range(number)]
    indices = rng.choice(n, len(kinds), replace=False)
    return [
        _copy(kind, shots[index], _draw(seed, int(index), shots[index]), _part(seed, n + k), k)
        for k, (kind, index) in enumerate(zip(kinds, indices, strict=True))
    ]


def _copy(kind: str, shot: _Shot, sample: Sample, part: str, k: int) -> _Copy:
    copy, jpeg = replace(shot, part=part), to_jpeg(sample)
    if kind == "broken":
        return _Copy(kind, copy, shot, sample, (jpeg[: len(jpeg) // 2], b"", _TEXT)[k % 3])
    if kind == "near_duplicate":
        return _Copy(kind, copy, shot, sample, to_jpeg(_brighter(sample), quality=85))
    if kind == "conflict":
        other = LABELS[(LABELS.index(shot.label) + 1) % len(LABELS)]
        return _Copy(kind, replace(copy, label=other), shot, sample, jpeg)
    return _Copy(kind, copy, shot, sample, jpeg)


def _brighter(sample: Sample) -> Sample:
    pixels = (sample.pixels.astype(np.float32) * 1.04).clip(0, 255).astype(np.uint8)
    return replace(sample, pixels=pixels)


def _pairs(copies: list[_Copy], kind: str) -> tuple[tuple[str, str], ...]:
    return tuple((copy.shot.name, copy.of.name) for copy in copies if copy.kind == kind)


def _annotate(folder: Path, stem: str, sample: Sample) -> None:
    known = {"label": sample.label, "boxes": [asdict(box) for box in sample.boxes]}
    write_bytes(folder / f"{stem}.json", json.dumps(known).encode())
    mask = io.BytesIO()
    Image.fromarray(sample.mask.astype(np.uint8) * 255).save(mask, "PNG")
    write_bytes(folder / f"{stem}.png", mask.getvalue())
