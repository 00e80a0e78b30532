"""The classification service: pictures in, their classes out. /docs describes the routes."""

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
from vision_assets.vision.inference.service.keys import load_keys
from vision_assets.vision.inference.service.live_model import LiveModel
from vision_assets.vision.inference.service.metrics import CONTENT_TYPE, Meter, exposition
from vision_assets.vision.inference.service.openapi import document
from vision_assets.vision.inference.service.schema import (
    Answered,
    Circumstances,
    Info,
    RefusalBody,
)
from vision_assets.vision.inference.service.settings import load_settings, slot_path
from vision_assets.vision.inference.service.vision_service import VisionService

HERE = Path(__file__).parent
SETTINGS = load_settings(HERE)
PICTURE = "JPEG, PNG, BMP, TIFF, WebP or GIF"


class Form(bentoml.IODescriptor):
    """A form for clients to fill.

    The service reads the body itself, bounded and in memory, instead of BentoML's detour over
    files: here every field stands for the request.
    """

    pass_below: float | None = Field(None, description="Threshold instead of the bundle's.")
    refuse_from: float | None = Field(None, description="Threshold instead of the bundle's.")

    @classmethod
    async def from_http_request(cls, request: Request, serde: Any) -> Self:
        """The request, unread."""
        return cls.model_construct(None, **dict.fromkeys(cls.model_fields, request))


class Picture(Form):
    """The body of a request with one picture."""

    image: Path = Field(description=PICTURE)


class Pictures(Form):
    """The body of a request with several pictures."""

    images: list[Path] = Field(description=PICTURE, max_length=SETTINGS.max_pictures)


class Told(Info, bentoml.IODescriptor):
    """What answers here."""


class Nothing(bentoml.IODescriptor):
    """No body at all."""

    @classmethod
    async def from_http_request(cls, request: Request, serde: Any) -> Self:
        """Whatever came is not looked at."""
        return cls.model_construct()


class Label(Answered):
    """What is on one picture."""

    label: str
    class_id: int
    score: float
    scores: dict[str, float]


class Prediction(Label, Circumstances, bentoml.IODescriptor):
    """The answer for one picture; `heatmap_png`, in base64, where it is explained."""

    heatmap_png: str | None = None


class Labelled(Label):
    """One picture of a batch that was answered."""

    status: int


class Refused(RefusalBody):
    """One picture of a batch that was refused, with the status that it alone would have got."""

    status: int


class Predictions(Circumstances, bentoml.IODescriptor):
    """The answers for several pictures, in their order."""

    answers: list[Labelled | Refused]


def page(name: str) -> Callable[[Request], Response]:
    """A route that answers with a file of this folder."""
    return lambda _: FileResponse(HERE / name)


def described(_: Request) -> Response:
    """The OpenAPI document."""
    context = bentoml.server_context
    return JSONResponse(
        document(
            context.bento_name,
            context.bento_version,
            Prediction,
            Predictions,
            SETTINGS.max_pictures,
        )
    )


def told(_: Request) -> Response:
    """What answers here."""
    return JSONResponse(bentoml.get_current_service().service.info())


def counted(_: Request) -> Response:
    """The figures of all workers."""
    return Response(exposition(), media_type=CONTENT_TYPE)


PAGES = Starlette(
    routes=[
        Route("/", page("page.html")),
        Route("/docs", page("api.html")),
        Route("/docs.json", described),
        Route("/info", told),
        Route("/metrics", counted),
    ]
)


@bentoml.asgi_app(PAGES)
@bentoml.service(
    name="classification",
    workers=SETTINGS.workers,
    traffic={"timeout": SETTINGS.timeout_s},
    # A line a request would grow without bound; /metrics counts them.
    logging={"access": {"enabled": False}},
    # BentoML's own counts every path that was ever asked for: memory without bound.
    metrics={"enabled": False},
    # A span that is sent nowhere costs half a millisecond a request.
    tracing={"excluded_urls": ".*"},
)
class Classification:
    """Answers with the bundle of its Bento, or with the one in the slot."""

    def __init__(self) -> None:
        context = bentoml.server_context
        bento = f"{context.bento_name}:{context.bento_version}"
        model = LiveModel(HERE / "bundle", SETTINGS, slot_path(), bento)
        self.service = VisionService(model, SETTINGS)
        self.service.start()

    @bentoml.api(input_spec=Picture, output_spec=Prediction)
    async def predict(self, image: Request, **_: Request) -> Response:
        """Classify one picture."""
        return await self.service.predict(image)

    @bentoml.api(input_spec=Pictures, output_spec=Predictions)
    async def predict_batch(self, images: Request, **_: Request) -> Response:
        """Classify several pictures."""
        return await self.service.predict_batch(images)

    @bentoml.api(input_spec=Picture, output_spec=Prediction)
    async def explain(self, image: Request, **_: Request) -> Response:
        """Classify one picture and show what the model saw."""
        return await self.service.explain(image)

    @bentoml.api(input_spec=Nothing, output_spec=Told)
    async def info(self) -> Response:
        """What answers here; browsers ask by GET, BentoML's client by POST."""
        return JSONResponse(self.service.info())

    @bentoml.on_shutdown
    def stop(self) -> None:
        """Stop following the slot."""
        self.service.stop()


# The cast: BentoML's protocol describes an instance where it takes a class.
Classification.add_asgi_middleware(
    cast(Any, Guard),
    max_in_flight=SETTINGS.max_in_flight,
    keys=load_keys(),
    meter=Meter(api.route for api in Classification.apis.values()),
)
