"""The classification service: one picture in, its class out.

POST /predict   multipart, the picture in the field `image`
GET  /info      which bundle answers, and what became of the slot
GET  /          a page to try it; /docs describes the API
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, cast

import bentoml
from pydantic import Field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from vision_assets.vision.inference.service.guard import Guard
from vision_assets.vision.inference.service.live_model import LiveModel
from vision_assets.vision.inference.service.refusal import Refusal
from vision_assets.vision.inference.service.respond import respond
from vision_assets.vision.inference.service.settings import load_settings, slot_path
from vision_assets.vision.inference.service.upload import read_upload

HERE = Path(__file__).parent
SETTINGS = load_settings(HERE)


class Picture(bentoml.IODescriptor):
    """The body of a request."""

    image: Path = Field(description="JPEG, PNG, BMP, TIFF, WebP or GIF")

    @classmethod
    async def from_http_request(cls, request: Request, serde: Any) -> Self:
        """The bytes of the picture, or the refusal, instead of BentoML's detour over a file."""
        try:
            image = await read_upload(request, "image", SETTINGS.max_body_bytes)
        except Refusal as refusal:
            image = refusal
        return cls.model_construct(image=image)


class Prediction(bentoml.IODescriptor):
    """The body of an answer."""

    label: str
    class_id: int
    score: float
    scores: dict[str, float]
    prediction_id: str
    versions: dict[str, str]
    timings_ms: dict[str, float]


def info(_: Request) -> Response:
    """What answers here."""
    service = bentoml.get_current_service()
    return JSONResponse({"bento": service.bento, **service.model.info()})


def page(name: str) -> Callable[[Request], Response]:
    """A route that answers with a file of this folder."""
    return lambda _: FileResponse(HERE / name)


PAGES = Starlette(
    routes=[
        Route("/", page("page.html")),
        Route("/docs", page("api.html")),
        Route("/info", info),
    ]
)


@bentoml.asgi_app(PAGES)
@bentoml.service(
    name="classification",
    workers=SETTINGS.workers,
    traffic={"timeout": SETTINGS.timeout_s},
    # A line a request would grow without bound; /metrics counts them.
    logging={"access": {"enabled": False}},
)
class Classification:
    """Answers with the bundle of its Bento, or with the one in the slot."""

    def __init__(self) -> None:
        context = bentoml.server_context
        self.bento = f"{context.bento_name}:{context.bento_version}"
        self.model = LiveModel(HERE / "bundle", SETTINGS, slot_path())
        self.model.start()

    @bentoml.api(input_spec=Picture, output_spec=Prediction)
    def predict(self, image: bytes | Refusal) -> Response:
        """Classify one picture."""
        return respond(self.model.current, image, self.bento)

    @bentoml.on_shutdown
    def stop(self) -> None:
        """Stop following the slot."""
        self.model.stop()


# The cast: BentoML's protocol describes an instance where it takes a class.
Classification.add_asgi_middleware(cast(Any, Guard), max_in_flight=SETTINGS.max_in_flight)
