"""ASGI middleware: bounds the requests in flight, lets no pickle in, words every refusal."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

from vision_assets.vision.inference.service.refusal import Refusal

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

_RETRY_AFTER_S = 1
_UNBOUNDED_PATHS = frozenset({"/livez", "/readyz", "/healthz", "/metrics"})
_REMEDIES = {
    HTTPStatus.NOT_FOUND: "no such path; there are /, /predict, /info, /livez, /readyz, /metrics",
    HTTPStatus.METHOD_NOT_ALLOWED: "this path does not take this method; POST goes to /predict",
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
    """

    def __init__(self, app: App, max_in_flight: int) -> None:
        self._app = app
        self._max_in_flight = max_in_flight
        self._in_flight = 0

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] in _UNBOUNDED_PATHS:
            await self._app(scope, receive, send)
        elif _content_type(scope).endswith(b"pickle"):
            await _send_refusal(send, _NO_PICKLES, [])
        elif self._in_flight >= self._max_in_flight:
            await _send_refusal(send, self._busy(), [(b"retry-after", b"%d" % _RETRY_AFTER_S)])
        else:
            await self._serve(scope, receive, send)

    async def _serve(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        self._in_flight += 1
        try:
            await self._app(scope, receive, _JsonErrors(send, scope["method"], scope["path"]))
        finally:
            self._in_flight -= 1

    def _busy(self) -> Refusal:
        return Refusal(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "busy",
            f"{self._max_in_flight} requests are in flight; try again in {_RETRY_AFTER_S} s",
        )


class _JsonErrors:
    """Replaces the plain-text body of a 4xx answer; everything else goes through."""

    def __init__(self, send: Send, method: str, path: str) -> None:
        self._send = send
        self._request = f"{method} {path[:100]}"
        self._replaced = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_plain_refusal(message):
            self._replaced = True
            await self._replace(HTTPStatus(message["status"]))
        elif not self._replaced:
            await self._send(message)

    async def _replace(self, status: HTTPStatus) -> None:
        remedy = _REMEDIES.get(status, status.description)
        refusal = Refusal(status, status.name.lower(), f"{self._request}: {remedy}")
        await _send_refusal(self._send, refusal, [])


def _content_type(scope: MutableMapping[str, Any]) -> bytes:
    value: bytes = dict(scope["headers"]).get(b"content-type", b"")
    return value.split(b";")[0].strip().lower()


def _is_plain_refusal(start: Message) -> bool:
    headers = dict(start.get("headers", []))
    is_text = headers.get(b"content-type", b"text/plain").startswith(b"text/plain")
    return 400 <= start["status"] < 500 and is_text


async def _send_refusal(send: Send, refusal: Refusal, headers: list[tuple[bytes, bytes]]) -> None:
    body = json.dumps(refusal.body()).encode()
    fixed = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    status = int(refusal.status)
    await send({"type": "http.response.start", "status": status, "headers": fixed + headers})
    await send({"type": "http.response.body", "body": body})
