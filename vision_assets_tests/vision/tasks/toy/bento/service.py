"""The service of the toy task."""

import bentoml
from vision_bento import OPTIONS, guard, pages, routes

from vision_assets.vision.inference.service.schema import Answered


class Bright(Answered):
    """How bright one picture is."""

    brightness: float


@bentoml.asgi_app(pages(Bright))
@bentoml.service(name="toy", **OPTIONS)
class Toy(routes(Bright)):
    """Answers with the bundle of its Bento, or with the one in the slot."""


guard(Toy)
