"""The middleware that bounds requests in flight and words refusals."""

import asyncio
import hashlib
import json
from typing import Any

import pytest
from prometheus_client import REGISTRY

from vision_assets.vision.inference.service.guard import App, Guard
from vision_assets.vision.inference.service.keys import Keys
from vision_assets.vision.inference.service.metrics import Meter

Sent = list[dict[str, Any]]
KEY = "a key of the line, long enough"
NO_KEYS = Keys({})
KEYS = Keys({"line": hashlib.sha256(KEY.encode()).digest()})


def guarding(app: App, max_in_flight: int = 1, keys: Keys = NO_KEYS) -> Guard:
    return Guard(app, max_in_flight, keys, Meter(["/predict"]))


def scope(path: str, headers: dict[str, str]) -> dict[str, Any]:
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "path": path, "method": "POST", "headers": pairs}


async def call(guard: Guard, path: str = "/predict", **headers: str) -> Sent:
    sent: Sent = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    named = {name.replace("_", "-"): value for name, value in headers.items()}
    await guard(scope(path, named), receive, send)
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
    start, body = asyncio.run(call(guarding(answering(status, content_type, b"as it was"))))
    assert (start["status"], body["body"]) == (status, b"as it was")


def test_a_plain_refusal_gets_a_json_body_of_its_own_length():
    start, body = asyncio.run(call(guarding(answering(404, b"text/plain", b"Not Found"))))
    headers = dict(start["headers"])
    assert start["status"] == 404
    assert json.loads(body["body"])["reason"] == "not_found"
    assert headers[b"content-length"] == str(len(body["body"])).encode()


async def _three_at_once(path: str) -> list[Sent]:
    gate = asyncio.Event()

    async def waiting(scope: Any, receive: Any, send: Any) -> None:
        await gate.wait()
        await answering(200, b"application/json", b"{}")(scope, receive, send)

    guard = guarding(waiting, max_in_flight=2)
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

    guard = guarding(failing)
    for _ in range(3):
        with pytest.raises(RuntimeError, match="broken"):
            asyncio.run(call(guard))


OK = answering(200, b"application/json", b"{}")


@pytest.mark.parametrize(
    "headers",
    [{"authorization": f"Bearer {KEY}"}, {"authorization": f"bearer {KEY}"}, {"x_api_key": KEY}],
)
def test_the_key_of_a_consumer_opens_every_route(headers: dict[str, str]):
    start, _ = asyncio.run(call(guarding(OK, keys=KEYS), **headers))
    assert start["status"] == 200


@pytest.mark.parametrize(
    "headers",
    [{}, {"x_api_key": "another key, long enough"}, {"authorization": f"Basic {KEY}"}],
)
@pytest.mark.parametrize("path", ["/predict", "/info", "/nothing"])
def test_without_a_key_nothing_is_answered(path: str, headers: dict[str, str]):
    start, body = asyncio.run(call(guarding(OK, keys=KEYS), path, **headers))
    assert (start["status"], dict(start["headers"])[b"www-authenticate"]) == (401, b"Bearer")
    assert json.loads(body["body"])["reason"] == "no_valid_key"


@pytest.mark.parametrize("path", ["/", "/docs", "/docs.json", "/livez", "/readyz", "/metrics"])
def test_pages_and_probes_need_no_key(path: str):
    start, _ = asyncio.run(call(guarding(OK, keys=KEYS), path))
    assert start["status"] == 200


def counted(**labels: str) -> float:
    return REGISTRY.get_sample_value("vision_assets_requests_total", labels) or 0


def test_requests_are_counted_by_consumer():
    before = counted(route="/predict", status="200", consumer="line")
    asyncio.run(call(guarding(OK, keys=KEYS), x_api_key=KEY))
    assert counted(route="/predict", status="200", consumer="line") == before + 1


def test_paths_that_are_no_routes_are_counted_as_one():
    before = counted(route="other", status="404", consumer="")
    refusing = answering(404, b"text/plain", b"Not Found")
    for number in range(5):
        asyncio.run(call(guarding(refusing), f"/guess-{number}"))
    assert counted(route="other", status="404", consumer="") == before + 5
