"""Private metadata out, pixels untouched: nothing is decoded or encoded.

What stays is what a decoder needs: the picture, its orientation and its colour profile.
What goes is everything else: EXIF (position, serial numbers, author), XMP, IPTC, comments,
thumbnails, unknown blocks and whatever follows the end of the picture. Blocks are kept by
a list of known ones, so that a vendor's own block cannot slip through.
"""

from vision_assets.vision.formats.metadata.gif import strip_gif
from vision_assets.vision.formats.metadata.jpeg import strip_jpeg
from vision_assets.vision.formats.metadata.png import strip_png
from vision_assets.vision.formats.metadata.tiff import strip_tiff
from vision_assets.vision.formats.metadata.webp import strip_webp


def strip_metadata(data: bytes, format: str, orientation: int) -> bytes:
    """The same image without private metadata.

    Args:
        data: the encoded image.
        format: as its header says; BMP holds no metadata and is returned as it is.
        orientation: EXIF orientation 1..8, which is kept.

    Raises:
        ImageRefused: the blocks of the file do not fit together.
    """
    match format:
        case "JPEG" | "MPO":
            return strip_jpeg(data, orientation)
        case "PNG":
            return strip_png(data, orientation)
        case "WEBP":
            return strip_webp(data, orientation)
        case "GIF":
            return strip_gif(data)
        case "TIFF":
            return strip_tiff(data)
        case _:
            return data
