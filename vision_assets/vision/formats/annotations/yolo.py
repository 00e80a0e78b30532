"""YOLO's texts: a line per object, class and numbers as shares of the picture's sides.

`class x y width height` is a box by its centre, `class x1 y1 x2 y2 x3 y3 ...` an outline, as
Ultralytics documents its data sets (https://docs.ultralytics.com/datasets/).
"""

from collections.abc import Sequence

from vision_assets.vision.formats.annotations.file_text import Unusable, number
from vision_assets.vision.formats.annotations.said import Fault, Kind, Said, SaidObject

MAX_OBJECTS = 100_000
_BOX_NUMBERS = 4
_LEAST_OUTLINE_NUMBERS = 6


def read_yolo(data: bytes, file: str, names: Sequence[str]) -> Said:
    """Read the text of one image.

    Args:
        data: content of the file; empty: there is no object.
        file: its name, for messages.
        names: of the classes, in the order of their numbers.

    Raises:
        Unusable: it is no text, or too long.
    """
    try:
        lines = data.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise Unusable(Kind.DAMAGED, f"expected UTF-8: {error}") from error
    if len(lines) > MAX_OBJECTS:
        raise Unusable(Kind.TOO_LARGE, f"expected at most {MAX_OBJECTS} objects")
    objects: list[SaidObject] = []
    faults: list[Fault] = []
    for index, line in enumerate(lines, start=1):
        if line.strip():
            try:
                objects.append(_object(line.split(), index, names))
            except ValueError as error:
                faults.append(Fault(Kind.BAD_OBJECT, file, str(error), index))
    return Said(file, tuple(objects), in_shares=True, faults=tuple(faults))


def _object(words: Sequence[str], index: int, names: Sequence[str]) -> SaidObject:
    label = _class(words[0], names)
    numbers = tuple(number(word, f"number {at}") for at, word in enumerate(words[1:], start=1))
    if len(numbers) == _BOX_NUMBERS:
        x, y, width, height = numbers
        box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        return SaidObject(label, box, index=index)
    if len(numbers) < _LEAST_OUTLINE_NUMBERS or len(numbers) % 2:
        raise ValueError(
            f"expected a class and 4 numbers, or x and y of 3 points, got {len(words)} words"
        )
    x, y = numbers[::2], numbers[1::2]
    return SaidObject(label, (min(x), min(y), max(x), max(y)), (numbers,), index=index)


def _class(word: str, names: Sequence[str]) -> str:
    if word.isascii() and word.isdecimal() and len(word) < len("1000000"):
        at = int(word)
        if at < len(names):
            return names[at]
    raise ValueError(f"expected a class 0..{len(names) - 1}, got {word[:50]!r}")
