"""Requests that nobody thought of, by schemathesis from the OpenAPI document."""

import io
from collections import Counter

import httpx
import numpy as np
import psutil
import pytest
import schemathesis
import schemathesis.specs.openapi.extra_data_source  # at once: deep in a stack pytest cannot import
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from PIL import Image
from schemathesis.generation import GenerationMode

from vision_assets.serving.process import ServiceProcess
from vision_assets_tests.serving.bundles import colour_png

ROUTES = ("/predict", "/predict_batch", "/explain")
MOST_GROWTH_BYTES = 40 * 1024 * 1024
"""Of all processes of the service together, from the first tenth of the requests to the last."""


def _encoded(format: str, size: tuple[int, int]) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8)
    Image.fromarray(pixels).save(buffer, format)
    return buffer.getvalue()


PICTURES = [
    colour_png("red"),
    *(_encoded(format, (24, 40)) for format in ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF")),
]


@st.composite
def broken_pictures(draw: st.DrawFn) -> bytes:
    """A picture with some bytes changed, cut or added; or any bytes at all."""
    data = bytearray(draw(st.sampled_from(PICTURES)))
    for _ in range(draw(st.integers(0, 4))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(0, len(data)))]) + draw(st.binary(max_size=8))


schemathesis.openapi.format(
    "binary", st.one_of(broken_pictures(), st.sampled_from(PICTURES), st.binary(max_size=64))
)


def fuzz(service: ServiceProcess, route: str, mode: GenerationMode, n: int) -> Counter[int]:
    """Ask one route n times; how often each status came."""
    document = httpx.get(f"{service.base_url}/docs.json", trust_env=False).json()
    operation = schemathesis.openapi.from_dict(document)[route]["POST"]
    statuses: Counter[int] = Counter()

    @seed(0)
    @settings(
        max_examples=n,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        response = case.call(base_url=service.base_url, timeout=30)
        statuses[response.status_code] += 1
        assert response.status_code < 500, response.text
        if response.status_code != 200:
            assert set(response.json()) == {"error", "reason", "detail"}, response.text

    ask()
    return statuses


def memory_bytes(service: ServiceProcess) -> int:
    supervisor = psutil.Process(service.pid)
    return sum(each.memory_info().rss for each in (supervisor, *supervisor.children(True)))


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_no_request_breaks_a_route(service, route: str, mode: GenerationMode):
    assert sum(fuzz(service, route, mode, 40).values()) >= 30
    assert httpx.get(f"{service.base_url}/readyz", trust_env=False).status_code == 200


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_ten_thousand_requests_leave_the_service_healthy_and_its_memory_flat(service):
    asked: Counter[int] = Counter()
    for n in (170, 1530):
        before = memory_bytes(service)
        for route in ROUTES:
            for mode in GenerationMode:
                asked += fuzz(service, route, mode, n)
    assert asked.total() >= 10_000
    assert asked[200] > 500
    assert memory_bytes(service) - before < MOST_GROWTH_BYTES
    assert httpx.get(f"{service.base_url}/readyz", trust_env=False).status_code == 200
    answer = httpx.post(
        f"{service.base_url}/predict", files={"image": colour_png("red")}, trust_env=False
    )
    assert answer.json()["label"] == "red"
