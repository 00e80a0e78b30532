"""What the services of all tasks have in common: routes, pages, limits. /docs describes them.

A service names what its answer has beside what every answer has, and is done:

    @bentoml.asgi_app(pages(Label))
    @bentoml.service(name="classification", **OPTIONS)
    class Classification(routes(Label)): ...

    guard(Classification)
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, Union, cast

import bentoml
from pydantic import BaseModel, Field, create_model
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
OPTIONS: dict[str, Any] = {
    "workers": SETTINGS.workers,
    "traffic": {"timeout": SETTINGS.timeout_s},
    # A line a request would grow without bound; /metrics counts them.
    "logging": {"access": {"enabled": False}},
    # BentoML's own counts every path that was ever asked for: memory without bound.
    "metrics": {"enabled": False},
    # A span that is sent nowhere costs half a millisecond a request.
    "tracing": {"excluded_urls": ".*"},
}
"""Of every service, for `bentoml.service`."""


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


class Refused(RefusalBody):
    """One picture of a batch that was refused, with the status that it alone would have got."""

    status: int


def prediction(answer: type[Answered]) -> Any:
    """The answer for one picture; `heatmap_png`, in base64, where it is explained."""
    bases: Any = (answer, Circumstances, bentoml.IODescriptor)
    return create_model("Prediction", __base__=bases, heatmap_png=(str | None, None))


def predictions(answer: type[Answered]) -> Any:
    """The answers for several pictures, in their order."""
    labelled: Any = create_model("Labelled", __base__=answer, status=(int, ...))
    bases: Any = (Circumstances, bentoml.IODescriptor)
    answers: Any = list[Union[labelled, Refused]]  # noqa: UP007 (pyright takes `|` for a type)
    return create_model("Predictions", __base__=bases, answers=(answers, ...))


def routes(answer: type[Answered]) -> type:
    """The routes of a service that gives this answer for a picture."""
    one, several = prediction(answer), predictions(answer)

    class Routes:
        """Answers with the bundle of its Bento, or with the one in the slot."""

        def __init__(self) -> None:
            context = bentoml.server_context
            bento = f"{context.bento_name}:{context.bento_version}"
            model = LiveModel(HERE / "bundle", SETTINGS, slot_path(), bento)
            self.service = VisionService(model, SETTINGS)
            self.service.start()

        @bentoml.api(input_spec=Picture, output_spec=one)
        async def predict(self, image: Request, **_: Request) -> Response:
            """Answer one picture."""
            return await self.service.predict(image)

        @bentoml.api(input_spec=Pictures, output_spec=several)
        async def predict_batch(self, images: Request, **_: Request) -> Response:
            """Answer several pictures."""
            return await self.service.predict_batch(images)

        @bentoml.api(input_spec=Picture, output_spec=one)
        async def explain(self, image: Request, **_: Request) -> Response:
            """Answer one picture and show what the model saw."""
            return await self.service.explain(image)

        @bentoml.api(input_spec=Nothing, output_spec=Told)
        async def info(self) -> Response:
            """What answers here; browsers ask by GET, BentoML's client by POST."""
            return JSONResponse(self.service.info())

        @bentoml.on_shutdown
        def stop(self) -> None:
            """Stop following the slot."""
            self.service.stop()

    return Routes


def pages(answer: type[Answered]) -> Starlette:
    """What browsers and Prometheus ask for by GET."""
    models: tuple[type[BaseModel], ...] = (prediction(answer), predictions(answer))

    def described(_: Request) -> Response:
        context = bentoml.server_context
        title, version = str(context.bento_name), str(context.bento_version)
        return JSONResponse(document(title, version, *models, SETTINGS.max_pictures))

    return Starlette(
        routes=[
            Route("/", _page("page.html")),
            Route("/docs", _page("api.html")),
            Route("/docs.json", described),
            Route("/info", _told),
            Route("/metrics", _counted),
        ]
    )


def guard(service: Any) -> None:
    """Put the limits, the keys of consumers and the counting before every route."""
    # The cast: BentoML's protocol describes an instance where it takes a class.
    service.add_asgi_middleware(
        cast(Any, Guard),
        max_in_flight=SETTINGS.max_in_flight,
        keys=load_keys(),
        meter=Meter(api.route for api in service.apis.values()),
    )


def _page(name: str) -> Callable[[Request], Response]:
    """A route that answers with a file of this folder."""
    return lambda _: FileResponse(HERE / name)


def _told(_: Request) -> Response:
    """What answers here."""
    return JSONResponse(bentoml.get_current_service().service.info())


def _counted(_: Request) -> Response:
    """The figures of all workers."""
    return Response(exposition(), media_type=CONTENT_TYPE)
