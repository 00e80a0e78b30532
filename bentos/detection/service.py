"""The detection service: pictures in, the objects on them out. /docs describes the routes."""

import bentoml
from pydantic import BaseModel
from vision_bento import OPTIONS, guard, pages, routes

from vision_assets.vision.inference.service.schema import Answered


class Found(BaseModel):
    """One object; its box is left, top, right, bottom in pixels of the picture as it was sent."""

    label: str
    class_id: int
    score: float
    box: tuple[float, float, float, float]


class Objects(Answered):
    """The objects on one picture, and the score from which one of each class is told."""

    objects: list[Found]
    found_from: dict[str, float]


@bentoml.asgi_app(pages(Objects))
@bentoml.service(name="detection", **OPTIONS)
class Detection(routes(Objects)):
    """Answers with the bundle of its Bento, or with the one in the slot."""


guard(Detection)
