"""The anomaly service: pictures in, what no normal one shows out. /docs describes the routes."""

import bentoml
from pydantic import BaseModel
from vision_bento import OPTIONS, guard, pages, routes

from vision_assets.vision.inference.service.schema import Answered


class Region(BaseModel):
    """Connected pixels of the anomaly map, in pixels of the picture as it was sent."""

    label: str
    class_id: int
    score: float
    box: tuple[float, float, float, float]
    polygons: list[list[float]] | None = None


class Anomalies(Answered):
    """The regions of one picture, and its anomaly map: a grey PNG in base64 over all of it."""

    objects: list[Region]
    map_png: str


@bentoml.asgi_app(pages(Anomalies))
@bentoml.service(name="anomaly", **OPTIONS)
class Anomaly(routes(Anomalies)):
    """Answers with the bundle of its Bento, or with the one in the slot."""


guard(Anomaly)
