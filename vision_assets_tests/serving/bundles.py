"""Bundles of a model that needs no training: the colour of a picture decides."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from vision_assets.vision.inference.bundle import Card, CardClass, InputSize, write_bundle
from vision_assets_tests.drawing import encode

COLOURS = ("red", "green", "blue")
SIDE_PX = 16


def colour_png(colour: str, side_px: int = 32) -> bytes:
    """A picture of one colour."""
    pixels = np.full((side_px, side_px, 3), 30, np.uint8)
    pixels[..., COLOURS.index(colour)] = 200
    return encode(pixels, "PNG")


def make_bundle(
    root: Path,
    names: tuple[str, ...] = COLOURS,
    gain: float = 4.0,
    use_case: str = "colours",
    thresholds: dict[str, float] | None = None,
) -> Path:
    """Write `root/<bundle_id>/`; the class at the position of the strongest channel wins.

    Args:
        root: takes the bundle.
        names: of the classes for red, green, blue.
        gain: how sure the model is; another gain is another bundle.
        use_case: recorded in the card.
        thresholds: of the score of a defect, which every colour but the first is.
    """
    model = _model(gain)
    card = _card(model, names, use_case, thresholds or {})
    return write_bundle(root, card, {"model.onnx": model}).folder


def _card(
    model: bytes, names: tuple[str, ...], use_case: str, thresholds: dict[str, float]
) -> Card:
    return Card(
        thresholds=thresholds,
        task="classification",
        model_id=f"model-{hashlib.sha256(model).hexdigest()[:6]}",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        input=InputSize(height_px=SIDE_PX, width_px=SIDE_PX),
        classes=tuple(CardClass(id=i, name=name, defect=i > 0) for i, name in enumerate(names)),
        use_case=use_case,
        dataset={"name": "v0001-abc", "fingerprint": "abc"},
        code_version="test",
    )


def _model(gain: float) -> bytes:
    nodes = [
        helper.make_node("Cast", ["images"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["float", "full"], ["unit"]),
        helper.make_node("ReduceMean", ["unit", "space"], ["embedding"], keepdims=0),
        helper.make_node("ReduceMean", ["unit", "channel"], ["activation"], keepdims=0),
        helper.make_node("Mul", ["embedding", "gain"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["scores"], axis=1),
    ]
    constants = {
        "full": np.float32(255),
        "gain": np.float32(gain),
        "space": np.array([1, 2], np.int64),
        "channel": np.array([3], np.int64),
    }
    graph = helper.make_graph(
        nodes,
        "colour",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", SIDE_PX, SIDE_PX, 3])],
        [
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 3]),
            helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 3]),
            helper.make_tensor_value_info("activation", TensorProto.FLOAT, ["n", SIDE_PX, SIDE_PX]),
        ],
        [numpy_helper.from_array(np.asarray(v), name) for name, v in constants.items()],
    )
    opsets = [helper.make_opsetid("", 18)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()
