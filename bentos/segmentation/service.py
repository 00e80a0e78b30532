"""The segmentation service: pictures in, their regions out. /docs describes the routes."""

import bentoml
from pydantic import BaseModel
from vision_bento import OPTIONS, guard, pages, routes

from vision_assets.vision.inference.service.schema import Answered


class Mask(BaseModel):
    """Run lengths in the compressed form of COCO."""

    size: tuple[int, int]
    counts: str


class Region(BaseModel):
    """Connected pixels of one class, in pixels of the picture as it was sent."""

    label: str
    class_id: int
    score: float
    box: tuple[float, float, float, float]
    polygons: list[list[float]]
    mask: Mask


class Regions(Answered):
    """The regions of one picture, and how much of it each class covers."""

    objects: list[Region]
    area_share: dict[str, float]


@bentoml.asgi_app(pages(Regions))
@bentoml.service(name="segmentation", **OPTIONS)
class Segmentation(routes(Regions)):
    """Answers with the bundle of its Bento, or with the one in the slot."""


guard(Segmentation)
