"""A bundle is taken as its card says, or not at all."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vision_assets.vision.errors import BundleError
from vision_assets.vision.inference.bundle import Bundle, content_id


def edit_card(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    card = json.loads((folder / "card.json").read_text())
    change(card)
    (folder / "card.json").write_text(json.dumps(card))


def test_a_bundle_is_named_by_what_decides_its_answers(bundle: Bundle):
    card = bundle.card
    assert bundle.folder.name == bundle.bundle_id == content_id(card.files, card.thresholds)
    assert content_id(card.files, {"pass_below": 0.5}) != bundle.bundle_id


def test_thresholds_that_were_changed_are_found(own_bundle: Path):
    edit_card(own_bundle, lambda card: card["thresholds"].update(pass_below=0.9, refuse_from=0.9))
    with pytest.raises(BundleError, match="its content is"):
        Bundle.load(own_bundle)


def test_a_bundle_says_what_it_was_made_from(bundle: Bundle):
    assert bundle.card.dataset["name"] == "v0001-drawn"
    assert bundle.card.use_case == "drawn"
    assert [entry.name for entry in bundle.card.classes] == ["good", "scratch", "spot"]
    assert [entry.defect for entry in bundle.card.classes] == [False, True, True]


def test_one_changed_byte_of_the_model_is_found(own_bundle: Path):
    model = bytearray((own_bundle / "model.onnx").read_bytes())
    model[len(model) // 2] ^= 1
    (own_bundle / "model.onnx").write_bytes(model)
    with pytest.raises(BundleError, match="was changed: expected SHA-256"):
        Bundle.load(own_bundle)


def test_a_model_changed_after_loading_is_found_when_it_is_read(own_bundle: Path):
    loaded = Bundle.load(own_bundle)
    (own_bundle / "model.onnx").write_bytes(b"another")
    with pytest.raises(BundleError, match="was changed"):
        loaded.read("model.onnx")


@pytest.mark.parametrize("name", ["model.onnx", "card.json"])
def test_a_missing_file_is_named(own_bundle: Path, name: str):
    (own_bundle / name).unlink()
    with pytest.raises(BundleError, match=f"{name} cannot be read"):
        Bundle.load(own_bundle)


@pytest.mark.parametrize("field", ["schema_version", "contract_version"])
def test_another_version_is_refused_with_both_versions(own_bundle: Path, field: str):
    edit_card(own_bundle, lambda card: card.update({field: 99}))
    with pytest.raises(BundleError, match=f"{field} 99, this release reads"):
        Bundle.load(own_bundle)


def test_a_card_of_another_model_is_refused(own_bundle: Path):
    edit_card(own_bundle, lambda card: card.update(bundle_id="0" * 12))
    with pytest.raises(BundleError, match="says it is bundle 000000000000"):
        Bundle.load(own_bundle)


def test_a_card_that_names_files_elsewhere_is_refused(own_bundle: Path):
    edit_card(own_bundle, lambda card: card["files"].update({"../secret": "0" * 64}))
    with pytest.raises(BundleError):
        Bundle.load(own_bundle)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"schema_version": 1, "contract_version": 1}'])
def test_a_broken_card_is_told(own_bundle: Path, text: str):
    (own_bundle / "card.json").write_text(text)
    with pytest.raises(BundleError, match=r"card\.json"):
        Bundle.load(own_bundle)
