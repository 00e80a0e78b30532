"""ASGI middleware before every route: keys, a bound of requests in flight, counting, wording.

request -> pickle? key? a place free? -> app -> refusals as JSON -> counted
"""

import json
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from http import HTTPStatus
from typing import Any

from vision_assets.vision.inference.service.keys import NOBODY, UNAUTHORIZED, Keys
from vision_assets.vision.inference.service.metrics import Meter
from vision_assets.vision.inference.service.refusal import Refusal

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

PROBES = frozenset({"/livez", "/readyz", "/healthz", "/metrics"})
"""Answered at once to everybody, however busy the service is."""
_PAGES = frozenset({"/", "/docs", "/docs.json", "/schema.json"})
_PAGE_FILES = "/static_content/"
_RETRY_AFTER_S = 1
_REMEDIES = {
    HTTPStatus.NOT_FOUND: "no such path; /docs lists them",
    HTTPStatus.METHOD_NOT_ALLOWED: "this path does not take this method; /docs lists them",
}
_NO_PICKLES = Refusal(
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "not_multipart",
    "expected multipart/form-data, got a pickle; pickles are never read",
)


class Guard:
    """Wraps an app.

    Args:
        app: the ASGI app.
        max_in_flight: requests at a time; more are answered 503 with Retry-After.
        keys: who may ask for more than probes and pages.
        meter: counts every request but the probes.
    """

    def __init__(self, app: App, max_in_flight: int, keys: Keys, meter: Meter) -> None:
        self._app = app
        self._max_in_flight = max_in_flight
        self._keys = keys
        self._meter = meter
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        consumer = NOBODY if _is_open(scope["path"]) else self._keys.consumer(headers)
        answer = _Answer(send, f"{scope['method']} {scope['path'][:100]}")
        started = time.perf_counter()
        try:
            await self._serve(scope, receive, answer, headers, consumer)
        finally:
            seconds = time.perf_counter() - started
            self._meter.count(scope["path"], answer.status, consumer or NOBODY, seconds)

    async def _serve(
        self,
        scope: Scope,
        receive: Receive,
        answer: "_Answer",
        headers: Mapping[bytes, bytes],
        consumer: str | None,
    ) -> None:
        if consumer is None:
            await answer.refuse(UNAUTHORIZED, (b"www-authenticate", b"Bearer"))
        elif headers.get(b"content-type", b"").split(b";")[0].strip().lower().endswith(b"pickle"):
            await answer.refuse(_NO_PICKLES)
        elif self._in_flight >= self._max_in_flight:
            await answer.refuse(self._busy(), (b"retry-after", b"%d" % _RETRY_AFTER_S))
        else:
            self._in_flight += 1
            try:
                await self._app(scope, receive, answer)
            finally:
                self._in_flight -= 1

    def _busy(self) -> Refusal:
        return Refusal(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "busy",
            f"{self._max_in_flight} requests are in flight; try again in {_RETRY_AFTER_S} s",
        )


class _Answer:
    """The way back: notes the status, and words a 4xx that came as plain text as JSON."""

    def __init__(self, send: Send, request: str) -> None:
        self._send = send
        self._request = request
        self._replaced = False
        self.status = int(HTTPStatus.INTERNAL_SERVER_ERROR)

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._replaced = _is_plain_refusal(message)
            if self._replaced:
                await self._word(HTTPStatus(self.status), message["headers"])
                return
        if not self._replaced:
            await self._send(message)

    async def refuse(self, refusal: Refusal, *headers: tuple[bytes, bytes]) -> None:
        """Answer with a refusal."""
        self.status = int(refusal.status)
        body = json.dumps(refusal.body()).encode()
        fixed = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        start = {"type": "http.response.start", "status": self.status}
        await self._send({**start, "headers": [*fixed, *headers]})
        await self._send({"type": "http.response.body", "body": body})

    async def _word(self, status: HTTPStatus, headers: list[tuple[bytes, bytes]]) -> None:
        remedy = _REMEDIES.get(status, status.description)
        refusal = Refusal(status, status.name.lower(), f"{self._request}: {remedy}")
        await self.refuse(refusal, *(pair for pair in headers if pair[0] == b"allow"))


def _is_open(path: str) -> bool:
    return path in _PAGES or path.startswith(_PAGE_FILES)


def _is_plain_refusal(start: Message) -> bool:
    headers = dict(start.get("headers", []))
    is_text = headers.get(b"content-type", b"text/plain").startswith(b"text/plain")
    return 400 <= start["status"] < 500 and is_text
