"""The middleware that bounds requests in flight and words refusals."""

import asyncio
import json
from typing import Any

import pytest

from vision_assets.vision.inference.service.guard import Guard

Sent = list[dict[str, Any]]


def scope(path: str = "/predict", method: str = "POST") -> dict[str, Any]:
    return {"type": "http", "path": path, "method": method, "headers": []}


async def call(guard: Guard, path: str = "/predict") -> Sent:
    sent: Sent = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await guard(scope(path), receive, send)
    return sent


def answering(status: int, content_type: bytes, body: bytes):
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        headers = [(b"content-type", content_type)]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


@pytest.mark.parametrize(
    ("status", "content_type"),
    [(200, b"text/plain; charset=utf-8"), (422, b"application/json"), (500, b"text/plain")],
)
def test_other_answers_go_through_unchanged(status: int, content_type: bytes):
    start, body = asyncio.run(call(Guard(answering(status, content_type, b"as it was"), 1)))
    assert (start["status"], body["body"]) == (status, b"as it was")


def test_a_plain_refusal_gets_a_json_body_of_its_own_length():
    start, body = asyncio.run(call(Guard(answering(404, b"text/plain", b"Not Found"), 1)))
    headers = dict(start["headers"])
    assert start["status"] == 404
    assert json.loads(body["body"])["reason"] == "not_found"
    assert headers[b"content-length"] == str(len(body["body"])).encode()


async def _three_at_once(path: str) -> list[Sent]:
    gate = asyncio.Event()

    async def waiting(scope: Any, receive: Any, send: Any) -> None:
        await gate.wait()
        await answering(200, b"application/json", b"{}")(scope, receive, send)

    guard = Guard(waiting, max_in_flight=2)
    calls = [asyncio.create_task(call(guard, path)) for _ in range(3)]
    await asyncio.sleep(0)
    gate.set()
    answers = await asyncio.gather(*calls)
    return [*answers, await call(guard, path)]


def test_more_than_allowed_are_told_to_come_again():
    *_, busy, later = asyncio.run(_three_at_once("/predict"))
    assert (busy[0]["status"], later[0]["status"]) == (503, 200)
    assert dict(busy[0]["headers"])[b"retry-after"] == b"1"
    assert json.loads(busy[1]["body"])["reason"] == "busy"


def test_probes_are_answered_however_busy_it_is():
    answers = asyncio.run(_three_at_once("/livez"))
    assert [start["status"] for start, _ in answers] == [200] * 4


def test_a_request_that_fails_gives_its_place_back():
    async def failing(_scope: Any, _receive: Any, _send: Any) -> None:
        raise RuntimeError("broken")

    guard = Guard(failing, max_in_flight=1)
    for _ in range(3):
        with pytest.raises(RuntimeError, match="broken"):
            asyncio.run(call(guard))
