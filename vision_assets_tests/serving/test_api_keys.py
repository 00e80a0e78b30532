"""A service with keys, over HTTP; and our own commands as its consumers."""

import json
from collections.abc import Iterator

import bentoml
import httpx
import pytest

from vision_assets.cli.service import _remote
from vision_assets.serving.process import ServiceProcess
from vision_assets.vision.errors import ServiceError
from vision_assets.vision.inference.service.keys import KEYS_FILE_VARIABLE, OWN_KEY_VARIABLE
from vision_assets_tests.serving.bundles import colour_png

KEY = "the secret of the first line"


@pytest.fixture(scope="module")
def locked(home, built, tmp_path_factory) -> Iterator[ServiceProcess]:
    keys = tmp_path_factory.mktemp("keys") / "keys.json"
    keys.write_text(json.dumps({"line 1": KEY}))
    with ServiceProcess(home, built, variables={KEYS_FILE_VARIABLE: str(keys)}) as service:
        yield service


def get(service: ServiceProcess, path: str, key: str | None = None) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return httpx.get(service.base_url + path, headers=headers, trust_env=False)


def test_a_wrong_key_is_refused_with_a_reason(locked):
    for key in (None, "wrong"):
        response = get(locked, "/info", key)
        assert (response.status_code, response.json()["reason"]) == (401, "no_valid_key")
        assert response.headers["www-authenticate"] == "Bearer"


def test_the_key_opens_and_is_counted_and_never_shown(locked):
    info = get(locked, "/info", KEY)
    metrics = get(locked, "/metrics").text
    assert info.status_code == 200
    assert 'consumer="line 1",route="/info",status="200"' in metrics
    refused = get(locked, "/info", KEY[:-1])
    shown = [info.text, metrics, refused.text, locked.log.read_text()]
    assert not [text for text in shown if KEY[:-1] in text]


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/", "/docs", "/docs.json"])
def test_probes_and_pages_are_open(locked, path: str):
    assert get(locked, path).status_code == 200


def test_predict_takes_its_key_from_the_environment(locked, tmp_path, monkeypatch):
    picture = tmp_path / "p.png"
    picture.write_bytes(colour_png("red"))
    with pytest.raises(ServiceError, match="no_valid_key"):
        _remote(locked.base_url)(picture)
    monkeypatch.setenv(OWN_KEY_VARIABLE, KEY)
    assert _remote(locked.base_url)(picture)["label"] == "red"


def test_the_client_of_bentoml_sends_its_token(locked):
    with bentoml.SyncHTTPClient(locked.base_url, token=KEY) as client:
        assert client.info()["use_case"] == "colours"
