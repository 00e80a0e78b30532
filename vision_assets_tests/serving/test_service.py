"""The classification service, over HTTP against a real `bentoml serve`."""

import re
import socket
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest

from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.inference.service.schema import Info
from vision_assets_tests.drawing import encode
from vision_assets_tests.serving.bundles import COLOURS, colour_png
from vision_assets_tests.serving.conftest import SETTINGS, THRESHOLDS

PNG = colour_png("green")


def post(client: httpx.Client, data: bytes, field: str = "image") -> httpx.Response:
    return client.post("/predict", files={field: ("picture.png", data)})


@pytest.mark.parametrize("colour", COLOURS)
def test_a_picture_gets_its_class(client: httpx.Client, colour: str):
    answer = post(client, colour_png(colour)).json()
    assert answer["label"] == colour
    assert answer["class_id"] == COLOURS.index(colour)
    assert answer["score"] == max(answer["scores"].values())
    assert sum(answer["scores"].values()) == pytest.approx(1, abs=1e-5)


def test_an_answer_says_where_it_comes_from(client: httpx.Client, built, bundle_folder):
    answer = post(client, PNG).json()
    assert answer["versions"] == {
        "bento": built.tag,
        "bundle_id": bundle_folder.name,
        "model_id": Bundle.load(bundle_folder).card.model_id,
        "dataset": "v0001-abc",
        "source": "baked",
    }
    assert re.fullmatch("[0-9a-f]{32}", answer["prediction_id"])
    times = answer["timings_ms"]
    assert times["total"] == pytest.approx(times["decode"] + times["run"], abs=0.01)


def test_every_prediction_has_an_id_of_its_own(client: httpx.Client):
    assert len({post(client, PNG).json()["prediction_id"] for _ in range(20)}) == 20


def noise_png(side_px: int) -> bytes:
    return encode(np.random.default_rng(0).integers(0, 255, (side_px, side_px, 3), np.uint8), "PNG")


@pytest.mark.parametrize(
    ("data", "status", "reason"),
    [
        (b"", 422, "empty"),
        (b"hello, this is text", 422, "not_an_image"),
        (PNG[: len(PNG) // 2], 422, "truncated"),
        (encode(np.zeros((40, 40), np.uint8), "JPEG")[:200], 422, "truncated"),
        (encode(np.zeros((4, 4), np.uint8), "PNG"), 422, "too_small"),
        (encode(np.zeros((600, 600), np.uint8), "PNG"), 413, "too_many_pixels"),
        (noise_png(400), 413, "body_too_large"),
    ],
    ids=["empty", "text", "half-a-png", "half-a-jpeg", "tiny", "many-pixels", "many-bytes"],
)
def test_a_picture_that_cannot_be_used_is_refused(client, data: bytes, status: int, reason: str):
    response = post(client, data)
    assert (response.status_code, response.json()["reason"]) == (status, reason)
    assert set(response.json()) == {"error", "reason", "detail"}


@pytest.mark.parametrize(
    ("request_arguments", "status", "reason"),
    [
        ({}, 415, "not_multipart"),
        ({"json": {"image": "/etc/passwd"}}, 415, "not_multipart"),
        ({"data": {"image": "http://127.0.0.1:9/x.png"}}, 415, "not_multipart"),
        ({"content": PNG, "headers": {"content-type": "image/png"}}, 415, "not_multipart"),
        ({"files": {"picture": PNG}}, 400, "missing_field"),
        ({"files": {"image": (None, "http://127.0.0.1:9/x.png")}}, 400, "not_a_file"),
        ({"files": [("image", PNG), ("image", PNG)]}, 413, "too_many_pictures"),
        (
            {"content": b"x", "headers": {"content-type": "multipart/form-data"}},
            400,
            "malformed_multipart",
        ),
        (
            {"content": b"x", "headers": {"content-type": "multipart/form-data; boundary=b"}},
            400,
            "malformed_multipart",
        ),
    ],
)
def test_a_wrong_request_is_refused(client, request_arguments: dict, status: int, reason: str):
    response = client.post("/predict", **request_arguments)
    assert (response.status_code, response.json().get("reason")) == (status, reason)


def test_a_pickle_is_refused(client: httpx.Client):
    headers = {"content-type": "application/vnd.bentoml+pickle"}
    response = client.post("/predict", content=b"\x80\x04.", headers=headers)
    assert (response.status_code, response.json()["reason"]) == (415, "not_multipart")


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", "/predict", 405, "method_not_allowed"),
        ("DELETE", "/predict", 405, "method_not_allowed"),
        ("DELETE", "/info", 405, "method_not_allowed"),
        ("GET", "/nothing", 404, "not_found"),
    ],
)
def test_a_wrong_address_is_refused(client, method: str, path: str, status: int, reason: str):
    response = client.request(method, path)
    assert (response.status_code, response.json()["reason"]) == (status, reason)


def test_a_body_without_an_end_is_cut_off_while_it_comes_in(service):
    """No Content-Length: the service has to count."""
    address = urlsplit(service.base_url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as wire:
        wire.sendall(
            b"POST /predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            b"Transfer-Encoding: chunked\r\n"
            b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"
        )
        start = b'--b\r\nContent-Disposition: form-data; name="image"; filename="x"\r\n\r\n'
        wire.sendall(b"%x\r\n%s\r\n" % (len(start), start))
        for _ in range(SETTINGS.max_body_bytes // 50_000 + 1):
            wire.sendall(b"%x\r\n%s\r\n" % (50_000, bytes(50_000)))
        answer = b"".join(iter(lambda: wire.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"body_too_large" in answer


def test_info_says_what_answers(client: httpx.Client, built, bundle_folder):
    info = client.get("/info").json()
    assert Info.model_validate(info).model_dump(mode="json") == info
    assert info["bento"] == built.tag
    assert [entry["name"] for entry in info["classes"]] == list(COLOURS)
    assert [entry["defect"] for entry in info["classes"]] == [False, True, True]
    assert info["model"]["thresholds"] == THRESHOLDS
    assert info["model"]["model_sha256"] == Bundle.load(bundle_folder).card.files["model.onnx"]
    assert info["model"]["bundle_id"] == info["baked_bundle_id"] == bundle_folder.name
    assert info["slot"] == {"followed": True, "sequence": 1, "refused": None}
    assert info["limits"]["max_body_bytes"] == SETTINGS.max_body_bytes


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_the_probes_answer(client: httpx.Client, path: str):
    assert client.get(path).status_code == 200


def test_requests_are_counted_and_not_logged_one_by_one(client: httpx.Client, service):
    post(client, PNG)
    text = client.get("/metrics").text
    counts = re.findall(r'^vision_assets_requests_total\{.*"/predict".*\} (.+)$', text, re.M)
    assert sum(map(float, counts)) >= 1
    assert "/predict" not in service.log.read_text()
