"""The classification service: pictures in, their classes out. /docs describes the routes."""

import bentoml
from vision_bento import OPTIONS, guard, pages, routes

from vision_assets.vision.inference.service.schema import Answered


class Label(Answered):
    """What is on one picture."""

    scores: dict[str, float]


@bentoml.asgi_app(pages(Label))
@bentoml.service(name="classification", **OPTIONS)
class Classification(routes(Label)):
    """Answers with the bundle of its Bento, or with the one in the slot."""


guard(Classification)
