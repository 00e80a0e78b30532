"""The refusal of a file whose blocks do not fit together."""

from vision_assets.vision.errors import ImageRefused, Reason


def damaged(format: str, detail: str) -> ImageRefused:
    """What to raise where the structure of a file ends early or contradicts itself."""
    return ImageRefused(
        Reason.TRUNCATED, f"the {format} structure is damaged or cut off: {detail}; send it again"
    )
