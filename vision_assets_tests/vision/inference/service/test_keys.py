"""The keys of consumers: where they come from, who they open for, what is never shown."""

import hashlib
import json

import pytest

from vision_assets.vision.errors import ServiceError
from vision_assets.vision.inference.service.keys import (
    KEYS_FILE_VARIABLE,
    KEYS_VARIABLE,
    NOBODY,
    load_keys,
)

KEY = "correct horse battery"


def consumer(key: str) -> str | None:
    return load_keys().consumer({b"x-api-key": key.encode()})


def test_without_keys_everybody_may_ask():
    assert load_keys().consumer({}) == NOBODY


def test_a_key_names_its_consumer(monkeypatch):
    monkeypatch.setenv(KEYS_VARIABLE, json.dumps({"line": KEY, "mes": "another long enough key"}))
    assert (consumer(KEY), consumer("wrong"), consumer("")) == ("line", None, None)


def test_a_file_may_hold_hashes_alone(monkeypatch, tmp_path):
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    (tmp_path / "keys.json").write_text(json.dumps({"line": f"sha256:{digest}"}))
    monkeypatch.setenv(KEYS_FILE_VARIABLE, str(tmp_path / "keys.json"))
    assert (consumer(KEY), consumer(digest)) == ("line", None)


@pytest.mark.parametrize(
    "wrong", ["{", "[]", '{"line": "short-secret"}', '{"line": 5}', '{"line": "sha256:abc"}']
)
def test_wrong_keys_are_told_without_being_shown(monkeypatch, wrong: str):
    monkeypatch.setenv(KEYS_VARIABLE, wrong)
    with pytest.raises(ServiceError, match=KEYS_VARIABLE) as raised:
        load_keys()
    assert "short-secret" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_keys_that_are_asked_for_and_empty_open_nothing(monkeypatch, tmp_path):
    (tmp_path / "keys.json").write_text("{}")
    monkeypatch.setenv(KEYS_FILE_VARIABLE, str(tmp_path / "keys.json"))
    with pytest.raises(ServiceError, match=r"keys\.json holds no key"):
        load_keys()


def test_a_variable_without_a_value_names_no_keys(monkeypatch):
    monkeypatch.setenv(KEYS_VARIABLE, "")
    monkeypatch.setenv(KEYS_FILE_VARIABLE, "")
    assert load_keys().consumer({}) == NOBODY


def test_a_file_that_is_not_there_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv(KEYS_FILE_VARIABLE, str(tmp_path / "nothing.json"))
    with pytest.raises(ServiceError, match=r"nothing\.json.*FileNotFoundError"):
        load_keys()
