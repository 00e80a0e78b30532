"""The routes of a service, whatever its task: a Bento names them and hands its requests on."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from vision_assets.vision.inference.service import respond
from vision_assets.vision.inference.service.form import Form, read_form
from vision_assets.vision.inference.service.live_model import LiveModel, LoadedModel
from vision_assets.vision.inference.service.refusal import Refusal
from vision_assets.vision.inference.service.settings import ServiceSettings

Result = TypeVar("Result")
_PNG = "image/png"


class VisionService:
    """Answers requests with the current model.

    Pictures are decoded and run in one thread of their own, so that probes and refusals are
    answered meanwhile.

    Args:
        model: the model, which may be switched at any time.
        settings: the bounds.
    """

    def __init__(self, model: LiveModel, settings: ServiceSettings) -> None:
        self._model = model
        self._settings = settings
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")

    def start(self) -> None:
        """Take what the slot names, and follow it."""
        self._model.start()

    def stop(self) -> None:
        """Stop following the slot."""
        self._model.stop()
        self._thread.shutdown()

    async def predict(self, request: Request) -> Response:
        """One picture in the field `image`."""
        return await self._answer(request, "image", 1, respond.predict, JSONResponse)

    async def predict_batch(self, request: Request) -> Response:
        """Pictures in the field `images`."""
        most = self._settings.max_pictures
        return await self._answer(request, "images", most, respond.predict_batch, JSONResponse)

    async def explain(self, request: Request) -> Response:
        """One picture in the field `image`; the heatmap alone with `Accept: image/png`."""
        wants_png = _PNG in request.headers.get("accept", "")
        shape = _heatmap if wants_png else _answer_with_heatmap
        return await self._answer(request, "image", 1, respond.explain, shape)

    def info(self) -> dict[str, Any]:
        """What answers here."""
        return self._model.info()

    async def _answer(
        self,
        request: Request,
        field: str,
        max_pictures: int,
        work: Callable[[LoadedModel, Form], Result],
        shape: Callable[[Result], Response],
    ) -> Response:
        try:
            form = await read_form(request, field, max_pictures, self._settings.max_body_bytes)
            loop = asyncio.get_running_loop()
            return shape(await loop.run_in_executor(self._thread, work, self._model.current, form))
        except Refusal as refusal:
            return JSONResponse(refusal.body(), status_code=refusal.status)


def _answer_with_heatmap(explained: tuple[dict[str, Any], bytes]) -> Response:
    return JSONResponse(respond.with_heatmap(*explained))


def _heatmap(explained: tuple[dict[str, Any], bytes]) -> Response:
    answer, png = explained
    return Response(png, media_type=_PNG, headers={"x-prediction-id": answer["prediction_id"]})
