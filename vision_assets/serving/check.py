"""The check of a Bento: started for real in its clean environment, asked over HTTP."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from vision_assets.command import output_of
from vision_assets.home import Home
from vision_assets.serving.bento import BuiltBento, limits_of
from vision_assets.serving.environment import clean_variables, ensure_environment
from vision_assets.serving.process import ServiceProcess
from vision_assets.vision.errors import ImageRefused, ServiceError
from vision_assets.vision.inference.decode import Limits, check_header, read_header
from vision_assets.vision.spec import PipelineSpec

TOLERANCE = 1e-4
"""Largest difference of any number in an answer."""
FORBIDDEN_MODULES = ("torch", "torchvision", "dagster", "mlflow", "great_expectations", "lance")
_FIND_MODULES = (
    "import importlib.util, sys\n"
    "print(*[name for name in sys.argv[1:] if importlib.util.find_spec(name)])"
)
_REQUEST_TIMEOUT_S = 60
_FORM_BYTES = 1024
"""Of a request's body beside its picture."""
Expected = tuple[str, bytes, dict[str, Any]]
"""Name, bytes and answer of an image."""


@dataclass(frozen=True)
class Mismatch:
    """One image that was answered otherwise.

    Attributes:
        image: its name.
        status: of the HTTP response.
        differences: each `field: expected ..., got ...`.
    """

    image: str
    status: int
    differences: tuple[str, ...]


@dataclass(frozen=True)
class ServiceCheck:
    """What the check found.

    Attributes:
        n: images that were posted.
        mismatches: those that were answered otherwise than expected.
        modules: forbidden modules that can be imported in the clean environment.
        latency_ms: of the requests, seen from here: p50, p95, max.
        start_s: from start to ready.
    """

    n: int
    mismatches: tuple[Mismatch, ...]
    modules: tuple[str, ...]
    latency_ms: dict[str, float]
    start_s: float

    @property
    def passed(self) -> bool:
        """Whether every answer was as expected, in a clean environment."""
        return not self.mismatches and not self.modules


def taken_by(spec: PipelineSpec, expected: Sequence[Expected]) -> tuple[list[Expected], int]:
    """Those that the service of a use case takes, and how many it refuses as too large.

    Raises:
        ServiceError: it takes none of them.
    """
    limits = limits_of(spec)
    taken = [each for each in expected if _fits(each[1], limits)]
    if expected and not taken:
        raise ServiceError(
            f"expected that the service takes some of {len(expected)} test images, all are too "
            "large for it; raise service.max_body_bytes or service.max_pixels"
        )
    return taken, len(expected) - len(taken)


def _fits(data: bytes, limits: Limits) -> bool:
    try:
        check_header(read_header(data), len(data) + _FORM_BYTES, limits)
    except ImageRefused:
        return False
    return True


def check_bento(home: Home, built: BuiltBento, expected: Sequence[Expected]) -> ServiceCheck:
    """Start a Bento and compare its answers.

    Args:
        home: names the clean environment; takes the log.
        built: the Bento; it answers with the bundle that it carries.
        expected: name, bytes and answer of each image; fields of a response that the answer
            does not have (times, ids) are not compared.

    Raises:
        ServiceError: no images, or the service does not start.
    """
    if not expected:
        raise ServiceError("a Bento is checked with at least one image, got none")
    started = time.monotonic()
    with ServiceProcess(home, built, name="check") as service:
        start_s = time.monotonic() - started
        with httpx.Client(
            base_url=service.base_url, timeout=_REQUEST_TIMEOUT_S, trust_env=False
        ) as client:
            timed = [_ask(client, *each) for each in expected]
    return ServiceCheck(
        n=len(timed),
        mismatches=tuple(found for found, _ in timed if found is not None),
        modules=found_modules(ensure_environment(home)),
        latency_ms=_latency([latency_ms for _, latency_ms in timed]),
        start_s=start_s,
    )


def found_modules(python: Path) -> tuple[str, ...]:
    """Those of FORBIDDEN_MODULES that an environment can import.

    Raises:
        ServiceError: its Python cannot say it.
    """

    def failed(how: str) -> ServiceError:
        return ServiceError(
            f"{python} cannot be asked for its modules: it {how}; remove the environment, it is "
            "built again"
        )

    command = [str(python), "-c", _FIND_MODULES, *FORBIDDEN_MODULES]
    found = output_of(command, _REQUEST_TIMEOUT_S, failed, cwd=python.parent, env=clean_variables())
    return tuple(found.split())


def differences(expected: Any, got: Any, field: str = "") -> list[str]:
    """Where an answer is not as expected: numbers by TOLERANCE, everything else exactly.

    Args:
        expected: JSON-ready.
        got: JSON-ready; may have more fields.
        field: name of this part, for the message.
    """
    if isinstance(expected, dict) and isinstance(got, dict):
        parts = [(f"{field}.{key}".lstrip("."), key) for key in expected]
        return [d for name, key in parts for d in differences(expected[key], got.get(key), name)]
    if isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        pairs = enumerate(zip(expected, got, strict=True))
        return [d for i, (one, other) in pairs for d in differences(one, other, f"{field}[{i}]")]
    if _close(expected, got) or expected == got:
        return []
    return [f"{field}: expected {expected!r}, got {got!r}"]


def _close(expected: Any, got: Any) -> bool:
    both_real = isinstance(expected, float) and isinstance(got, float)
    return both_real and abs(expected - got) <= TOLERANCE


def _ask(
    client: httpx.Client, name: str, data: bytes, expected: dict[str, Any]
) -> tuple[Mismatch | None, float]:
    started = time.perf_counter()
    response = client.post("/predict", files={"image": (name, data)})
    latency_ms = (time.perf_counter() - started) * 1000
    if response.status_code != 200:
        return Mismatch(name, response.status_code, (response.text[:500],)), latency_ms
    found = tuple(differences(expected, response.json()))
    return (Mismatch(name, 200, found) if found else None), latency_ms


def _latency(values_ms: list[float]) -> dict[str, float]:
    return {
        "p50": float(np.percentile(values_ms, 50)),
        "p95": float(np.percentile(values_ms, 95)),
        "max": max(values_ms),
    }
