"""From the bytes of a file to what the store keeps of it, or why it is refused."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vision_assets.vision.formats.metadata.strip import strip_metadata
from vision_assets.vision.inference.decode import (
    Header,
    Limits,
    check_header,
    decode_grey,
    read_header,
)
from vision_assets.vision.store.statistics import Statistics, statistics

if TYPE_CHECKING:
    from vision_assets.vision.spec import ImageRules


@dataclass(frozen=True, slots=True)
class Examined:
    """An image that may be stored.

    Attributes:
        received_bytes: length as received.
        header: format, raster size, mode and orientation.
        statistics: of its grey picture.
        data: the encoded image without private metadata; these bytes were decoded.
    """

    received_bytes: int
    header: Header
    statistics: Statistics
    data: bytes

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height after the orientation is applied."""
        width, height = self.header.width, self.header.height
        return (width, height) if self.header.orientation < 5 else (height, width)


def examine(data: bytes, limits: Limits) -> Examined:
    """Check, strip and measure one image.

    Raises:
        ImageRefused: with the reason and the remedy.
    """
    header = read_header(data)
    check_header(header, len(data), limits)
    stripped = strip_metadata(data, header.format, header.orientation)
    grey = decode_grey(stripped, header)
    return Examined(len(data), header, statistics(grey, header.orientation), stripped)


def limits_of(rules: "ImageRules") -> Limits:
    """The rules of a use case as the decoder takes them."""
    return Limits(
        min_side_px=rules.min_side_px, max_pixels=rules.max_pixels, max_bytes=rules.max_bytes
    )
