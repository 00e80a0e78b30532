"""Batches, heatmaps, thresholds and the descriptions of the routes, against a real service."""

import base64
import io
from pathlib import Path

import bentoml
import httpx
import pytest
from jsonschema import Draft202012Validator
from PIL import Image

from vision_assets_tests.serving.bundles import COLOURS, colour_png
from vision_assets_tests.serving.conftest import SETTINGS, THRESHOLDS

GREEN = colour_png("green")
ROUTES = {"predict": "/predict", "predict_batch": "/predict_batch", "explain": "/explain"}


def batch(client: httpx.Client, *pictures: bytes) -> httpx.Response:
    return client.post("/predict_batch", files=[("images", data) for data in pictures])


def test_a_batch_is_answered_in_its_order(client: httpx.Client):
    answers = batch(client, *map(colour_png, COLOURS)).json()["answers"]
    assert [answer["label"] for answer in answers] == list(COLOURS)
    assert len({answer["prediction_id"] for answer in answers}) == 3


def test_a_refused_picture_stops_no_other(client: httpx.Client):
    response = batch(client, b"", GREEN, b"hello, this is text")
    assert response.status_code == 200
    answers = response.json()["answers"]
    assert [answer["status"] for answer in answers] == [422, 200, 422]
    assert [answer.get("reason") for answer in answers] == ["empty", None, "not_an_image"]
    assert answers[1]["label"] == "green"


def test_a_batch_answers_as_its_pictures_alone(client: httpx.Client):
    alone = client.post("/predict", files={"image": GREEN}).json()
    together = batch(client, GREEN, colour_png("red")).json()["answers"][0]
    assert together["scores"] == pytest.approx(alone["scores"], abs=1e-5)
    assert together["decision"] == alone["decision"] == "review"


def test_too_many_pictures_are_refused(client: httpx.Client):
    response = batch(client, *[GREEN] * (SETTINGS.max_pictures + 1))
    assert (response.status_code, response.json()["reason"]) == (413, "too_many_pictures")


def test_an_explanation_carries_a_picture_of_the_size_of_the_one_that_was_sent(client):
    answer = client.post("/explain", files={"image": colour_png("green", 100)}).json()
    assert answer["label"] == "green"
    assert Image.open(io.BytesIO(base64.b64decode(answer["heatmap_png"]))).size == (100, 100)


def test_an_explanation_is_a_picture_where_one_is_asked_for(client: httpx.Client):
    picture = client.post("/explain", files={"image": GREEN}, headers={"accept": "image/png"})
    assert picture.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(picture.content)).format == "PNG"


def test_a_refused_explanation_is_json_whatever_is_asked_for(client: httpx.Client):
    response = client.post("/explain", files={"image": b"x"}, headers={"accept": "image/png"})
    assert (response.status_code, response.json()["reason"]) == (422, "not_an_image")


@pytest.mark.parametrize(
    ("colour", "decision"), [("red", "pass"), ("green", "review"), ("blue", "review")]
)
def test_the_bundle_decides_by_its_own_thresholds(client, colour: str, decision: str):
    answer = client.post("/predict", files={"image": colour_png(colour)}).json()
    assert (answer["decision"], answer["thresholds"]) == (decision, THRESHOLDS)


@pytest.mark.parametrize("route", ROUTES.values())
@pytest.mark.parametrize("place", ["data", "params"])
def test_a_request_is_decided_by_the_thresholds_that_it_names(client, route: str, place: str):
    named = {place: {"refuse_from": "0.9"}}
    field = "images" if route == "/predict_batch" else "image"
    answer = client.post(route, files={field: GREEN}, **named).json()
    assert answer["thresholds"] == {"pass_below": 0.2, "refuse_from": 0.9}
    assert answer.get("answers", [answer])[0]["decision"] == "refuse"


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ({"pass_below": "nan"}, "wrong_thresholds"),
        ({"pass_below": "-0.1"}, "wrong_thresholds"),
        ({"refuse_from": "1.1"}, "wrong_thresholds"),
        ({"refuse_from": "high"}, "wrong_thresholds"),
        ({"pass_below": "0.5", "refuse_from": "0.4"}, "wrong_thresholds"),
        ({"pass_below": "0.96"}, "wrong_thresholds"),
        ({"refuse_form": "0.5"}, "unknown_field"),
    ],
)
def test_wrong_thresholds_are_refused(client, named: dict[str, str], reason: str):
    response = client.post("/predict", files={"image": GREEN}, data=named)
    assert (response.status_code, response.json()["reason"]) == (422, reason)


def test_a_threshold_is_named_once(client: httpx.Client):
    named = {"data": {"pass_below": "0.1"}, "params": {"pass_below": "0.1"}}
    response = client.post("/predict", files={"image": GREEN}, **named)
    assert (response.status_code, response.json()["reason"]) == (422, "wrong_thresholds")


@pytest.mark.parametrize(
    ("method", "path", "arguments"),
    [
        ("post", "/predict", {"files": {"image": GREEN}}),
        ("post", "/predict_batch", {"files": [("images", GREEN), ("images", b"")]}),
        ("post", "/explain", {"files": {"image": GREEN}}),
        ("get", "/info", {}),
        ("post", "/predict", {"files": {"image": b""}}),
        ("post", "/predict", {}),
    ],
)
def test_answers_are_what_the_openapi_document_says(client, method: str, path: str, arguments):
    document = client.get("/docs.json").json()
    response = client.request(method, path, **arguments)
    told = document["paths"][path][method]["responses"][str(response.status_code)]
    schema = {**told["content"]["application/json"]["schema"], "components": document["components"]}
    assert list(Draft202012Validator(schema).iter_errors(response.json())) == []


def test_the_pages_describe_the_api(client: httpx.Client):
    paths = set(client.get("/docs.json").json()["paths"])
    assert paths >= {*ROUTES.values(), "/info", "/livez", "/readyz", "/metrics"}
    assert client.get("/docs").status_code == 200
    assert client.get("/static_content/swagger-ui-bundle.js").status_code == 200


def test_the_client_of_bentoml_asks_every_route(service, tmp_path: Path):
    picture = tmp_path / "green.png"
    picture.write_bytes(GREEN)
    with bentoml.SyncHTTPClient(service.base_url) as client:
        assert client.predict(image=picture)["label"] == "green"
        assert client.predict(image=picture, refuse_from=0.9)["decision"] == "refuse"
        assert len(client.predict_batch(images=[picture, picture])["answers"]) == 2
        assert base64.b64decode(client.explain(image=picture)["heatmap_png"]).startswith(b"\x89PNG")
        assert client.info()["use_case"] == "colours"


@pytest.mark.parametrize("route", [*ROUTES.values(), "/info"])
def test_the_metrics_count_every_route(client: httpx.Client, route: str):
    client.post(route)
    counts = client.get("/metrics").text
    assert f'vision_assets_requests_total{{consumer="",route="{route}"' in counts
    assert f'vision_assets_request_seconds_count{{route="{route}"}}' in counts
