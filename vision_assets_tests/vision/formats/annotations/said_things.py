"""What the tests of all formats draw: names, boxes, and files that were damaged."""

import unicodedata
from collections.abc import Callable

from hypothesis import strategies as st

from vision_assets.vision.errors import SpecError
from vision_assets.vision.formats.annotations.file_text import Unusable
from vision_assets.vision.formats.annotations.said import Said, SaidObject

NAMES = (
    st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12)
    .map(lambda name: unicodedata.normalize("NFC", name))
    .filter(lambda name: name == unicodedata.normalize("NFC", name.strip()))
)
COORDINATES = st.floats(-1e6, 1e6, allow_nan=False)
BOXES = st.tuples(COORDINATES, COORDINATES, COORDINATES, COORDINATES)


@st.composite
def mutations(draw: st.DrawFn, whole: bytes) -> bytes:
    """Any bytes, or a whole file that was cut off, or in which some bytes were replaced."""
    kind = draw(st.sampled_from(["any", "cut", "changed"]))
    if kind == "any":
        return draw(st.binary(max_size=200))
    if kind == "cut":
        return whole[: draw(st.integers(0, len(whole) - 1))]
    changed = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        changed[draw(st.integers(0, len(whole) - 1))] = draw(st.integers(0, 255))
    return bytes(changed)


def objects_of(said: Said) -> list[SaidObject]:
    """The objects of a file that can be used."""
    assert said.objects is not None
    return list(said.objects)


def read_or_refusal(read: Callable[[], object]) -> object:
    """What a reader gives, or the refusal that it raises; any other error is not caught."""
    try:
        return read()
    except (Unusable, SpecError) as error:
        return error
