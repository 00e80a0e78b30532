"""The one decoder: bytes to pixels, for training, evaluation and serving alike.

JPEG goes through libjpeg-turbo (simplejpeg), everything else through Pillow; both give
the same pixels for the same JPEG. Size is bounded from the header, before any pixel is
decoded, and the EXIF orientation is applied here and nowhere else.
"""

import io
import struct
import sys
import zlib
from dataclasses import dataclass

import numpy as np
import simplejpeg
from PIL import Image, UnidentifiedImageError

from vision_assets.vision.errors import ImageRefused, Reason

FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF")
EXIF_ORIENTATION_TAG = 0x0112
_EXIF_MARK = b"Exif\x00\x00"
_JPEG_MAGIC = b"\xff\xd8\xff"
_MAGICS = (
    *(_JPEG_MAGIC, b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a"),
    *(b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"),
)
PILLOW_ERRORS = (
    *(OSError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError, EOFError),
    *(SyntaxError, RuntimeError, MemoryError, struct.error, zlib.error),
)
"""What Pillow raises over damaged bytes."""
_DEEP_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N")

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What turns a raster of an EXIF orientation upright."""

# The bound is checked per image from its header (Limits); Pillow's own process-wide
# limit would refuse what a use case allows.
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True)
class Limits:
    """What is decoded at all.

    Attributes:
        min_side_px: shortest side that is accepted.
        max_pixels: width times height that is accepted; checked before decoding.
        max_bytes: length of the encoded image that is accepted.
        pixels_key: key of the YAML that says `max_pixels`, for messages.
        bytes_key: the same of `max_bytes`.
    """

    min_side_px: int = 16
    max_pixels: int = 50_000_000
    max_bytes: int = 64 * 1024 * 1024
    pixels_key: str = "images.max_pixels"
    bytes_key: str = "images.max_bytes"


DEFAULT_LIMITS = Limits()
STORED = Limits(min_side_px=1, max_pixels=sys.maxsize, max_bytes=sys.maxsize)
"""Of images that were checked, by the rules of their use case, when they were taken."""


@dataclass(frozen=True)
class Header:
    """What an image says of itself, read without decoding a pixel.

    Width and height are of the raster that a decoder gives, before the orientation is
    applied. A TIFF has orientation 1: Pillow turns it upright while it decodes.
    """

    format: str
    width: int
    height: int
    mode: str
    orientation: int


def read_header(data: bytes) -> Header:
    """Read format, size, mode and orientation.

    Raises:
        ImageRefused: the bytes are empty or no image of a supported format.
    """
    if not data:
        raise ImageRefused(Reason.EMPTY, "expected an encoded image, got zero bytes")
    if data.startswith(_JPEG_MAGIC):
        header = _read_jpeg_header(data)
        if header is not None:
            return header
    with _open(data) as image:
        return Header(
            format=image.format or "unknown",
            width=image.width,
            height=image.height,
            mode=image.mode,
            orientation=_orientation(image),
        )


def check_header(header: Header, n_bytes: int, limits: Limits) -> None:
    """Refuse an image whose header is outside the limits.

    Raises:
        ImageRefused: too many bytes, too small, or too many pixels.
    """
    if n_bytes > limits.max_bytes:
        raise ImageRefused(
            Reason.TOO_MANY_BYTES,
            f"expected at most {limits.max_bytes} bytes, got {n_bytes}; raise {limits.bytes_key}",
        )
    if min(header.width, header.height) < limits.min_side_px:
        raise ImageRefused(
            Reason.TOO_SMALL,
            f"expected sides of at least {limits.min_side_px} px, "
            f"got {header.width}x{header.height}; lower images.min_side_px to accept it",
        )
    if header.width * header.height > limits.max_pixels:
        raise ImageRefused(
            Reason.TOO_MANY_PIXELS,
            f"expected at most {limits.max_pixels} pixels, got {header.width}x{header.height} "
            f"= {header.width * header.height}; raise {limits.pixels_key} to accept it",
        )


def decode(data: bytes, limits: Limits = DEFAULT_LIMITS) -> np.ndarray:
    """Decode one image.

    Args:
        data: the encoded image, as received or stored.
        limits: what is accepted; STORED for what was checked when it was taken.

    Returns:
        Pixels, (h, w, 3) uint8 RGB, upright.

    Raises:
        ImageRefused: with the reason and the remedy.
    """
    header = read_header(data)
    check_header(header, len(data), limits)
    return decode_checked(data, header, "RGB")


def decode_grey(data: bytes, header: Header) -> np.ndarray:
    """Decode the luminance of an image whose header was checked; not turned upright.

    Returns:
        (h, w) uint8.

    Raises:
        ImageRefused: truncated, or of a mode that has no agreed conversion.
    """
    if header.format == "JPEG" and header.mode in ("RGB", "L"):
        return _decode_jpeg(data, "GRAY")[..., 0]
    return np.asarray(_decode_with_pillow(data).convert("L"))


def decode_checked(data: bytes, header: Header, colorspace: str) -> np.ndarray:
    """Decode an image whose header was checked, upright, as (h, w, 3) uint8 RGB."""
    if header.format == "JPEG" and header.mode in ("RGB", "L") and header.orientation == 1:
        return _decode_jpeg(data, colorspace)
    image = _decode_with_pillow(data)
    if header.orientation != 1:
        image = image.transpose(UPRIGHT[header.orientation])
    return np.asarray(image)


def _read_jpeg_header(data: bytes) -> Header | None:
    try:
        height, width, colorspace, _ = simplejpeg.decode_jpeg_header(data)
    except ValueError:
        return None
    modes = {"Gray": "L", "GRAY": "L", "YCbCr": "RGB", "RGB": "RGB"}
    orientation = 1
    if data.find(_EXIF_MARK, 0, 65536) >= 0:
        with _open(data) as image:
            orientation = _orientation(image)
    return Header("JPEG", int(width), int(height), modes.get(colorspace, "CMYK"), orientation)


def _orientation(image: Image.Image) -> int:
    """EXIF orientation; 1 where there is none, or one that does not exist.

    Read from the header alone: the getexif of PNG would decode the pixels first.
    """
    if image.format == "TIFF":
        return 1
    try:
        orientation = Image.Image.getexif(image).get(EXIF_ORIENTATION_TAG, 1)
    except PILLOW_ERRORS as error:
        raise ImageRefused(Reason.TRUNCATED, f"the EXIF data cannot be read: {error}") from error
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1


def _open(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        if _begins_like_an_image(data):
            raise ImageRefused(
                Reason.TRUNCATED, "the header is damaged or cut off; send it again"
            ) from None
        raise ImageRefused(
            Reason.NOT_AN_IMAGE,
            f"expected one of {', '.join(FORMATS)}, got bytes that begin with {data[:8]!r}",
        ) from None
    except PILLOW_ERRORS as error:
        raise ImageRefused(Reason.TRUNCATED, f"the header cannot be read: {error}") from error


def _begins_like_an_image(data: bytes) -> bool:
    if data.startswith(b"RIFF"):
        return data[8:12] == b"WEBP"
    if data.startswith(b"BM"):
        return not data[6:10].strip(b"\x00")  # four bytes that a bitmap leaves zero
    return data.startswith(_MAGICS)


def _decode_jpeg(data: bytes, colorspace: str) -> np.ndarray:
    try:
        return simplejpeg.decode_jpeg(data, colorspace)
    except ValueError as error:
        raise ImageRefused(
            Reason.TRUNCATED, f"the JPEG data is damaged or cut off ({error}); send it again"
        ) from error


def _decode_with_pillow(data: bytes) -> Image.Image:
    """RGB, not turned upright."""
    with _open(data) as image:
        try:
            image.load()
            return _to_rgb(image)
        except PILLOW_ERRORS as error:
            raise ImageRefused(
                Reason.TRUNCATED, f"the pixels cannot be read ({error}); send it again"
            ) from error


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in _DEEP_MODES:
        return _deep_to_8_bit(image).convert("RGB")
    if image.mode == "F":
        raise ImageRefused(
            Reason.UNSUPPORTED_MODE,
            "expected 8 or 16 bits a channel, got floating point; convert it to 16-bit grey",
        )
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        return _on_white(image.convert("RGBA"))
    return image.convert("RGB")


def _deep_to_8_bit(image: Image.Image) -> Image.Image:
    """16-bit grey to 8 bits by its high byte: no stretching, so that brightness compares."""
    deep = np.asarray(image).astype(np.int64)
    if deep.min() < 0 or deep.max() > 65535:
        raise ImageRefused(
            Reason.UNSUPPORTED_MODE,
            f"expected grey values 0..65535, got {deep.min()}..{deep.max()}; rescale to 16 bits",
        )
    return Image.fromarray((deep >> 8).astype(np.uint8))


def _on_white(image: Image.Image) -> Image.Image:
    background = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return Image.alpha_composite(background, image).convert("RGB")
