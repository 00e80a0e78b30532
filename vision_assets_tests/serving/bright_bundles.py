"""Bundles of models that need no training: what is bright is the object, or the anomaly."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from vision_assets.vision.inference.bundle import (
    Bundle,
    Card,
    CardClass,
    InputSize,
    write_bundle,
)

SIDE_PX = 16
_NORMAL, _SPOT = (
    CardClass(id=0, name="good", defect=False),
    CardClass(id=1, name="spot", defect=True),
)
_CONSTANTS = {
    "full": np.float32(255),
    "half": np.float32(0.5),
    "before": np.arange(SIDE_PX, dtype=np.float32) / SIDE_PX,
    "behind": np.arange(1, SIDE_PX + 1, dtype=np.float32) / SIDE_PX,
    "one": np.float32(1),
    "none": np.float32(0),
    "rows": np.array([1], np.int64),
    "columns": np.array([2], np.int64),
    "places": np.array([1, 2], np.int64),
    "channels": np.array([3], np.int64),
}
_BRIGHTNESS = [
    helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
    helper.make_node("Div", ["floats", "full"], ["unit"]),
    helper.make_node("ReduceMean", ["unit", "channels"], ["activation"], keepdims=0),
    helper.make_node("ReduceMax", ["activation", "places"], ["score"], keepdims=0),
    helper.make_node("ReduceMean", ["unit", "places"], ["embedding"], keepdims=0),
]
_MAPS = {"activation": (TensorProto.FLOAT, SIDE_PX, SIDE_PX), "embedding": (TensorProto.FLOAT, 3)}


def anomaly_bundle(root: Path) -> Bundle:
    """Brightness is the anomaly map; its highest value is the score."""
    outputs = {"score": (TensorProto.FLOAT,)} | _MAPS
    return _written(root, "anomaly", (_NORMAL, _SPOT), _BRIGHTNESS, outputs)


def detection_bundle(root: Path) -> Bundle:
    """The box around all that is brighter than a half is the one object."""
    outputs = {
        "boxes": (TensorProto.FLOAT, 1, 4),
        "scores": (TensorProto.FLOAT, 1),
        "classes": (TensorProto.INT64, 1),
    }
    nodes = [
        *_BRIGHTNESS,
        *_ends("left", "right", across="rows"),
        *_ends("top", "bottom", across="columns"),
        helper.make_node("Concat", ["left", "top", "right", "bottom"], ["box"], axis=1),
        helper.make_node("Unsqueeze", ["box", "rows"], ["boxes"]),
        helper.make_node("Unsqueeze", ["score", "rows"], ["scores"]),
        helper.make_node("Mul", ["scores", "none"], ["first"]),
        helper.make_node("Cast", ["first"], ["classes"], to=TensorProto.INT64),
    ]
    return _written(root, "detection", (_SPOT,), nodes, outputs | _MAPS)


def _ends(first: str, last: str, across: str) -> Iterable[NodeProto]:
    """Where brightness begins and ends along one side, (n, 1) each."""
    profile, bright = f"profile_{first}", f"bright_{first}"
    yield helper.make_node("ReduceMax", ["activation", across], [profile], keepdims=0)
    yield helper.make_node("Greater", [profile, "half"], [bright])
    yield helper.make_node("Where", [bright, "before", "one"], [f"all_{first}"])
    yield helper.make_node("Where", [bright, "behind", "none"], [f"all_{last}"])
    yield helper.make_node("ReduceMin", [f"all_{first}", "rows"], [first])
    yield helper.make_node("ReduceMax", [f"all_{last}", "rows"], [last])


def _written(
    root: Path,
    task: str,
    classes: tuple[CardClass, ...],
    nodes: list[NodeProto],
    outputs: Mapping[str, tuple[int, ...]],
) -> Bundle:
    images = helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", SIDE_PX, SIDE_PX, 3])
    graph = helper.make_graph(
        nodes,
        "bright",
        [images],
        [
            helper.make_tensor_value_info(name, kind, ["n", *shape])
            for name, (kind, *shape) in outputs.items()
        ],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in _CONSTANTS.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    data = model.SerializeToString()
    card = Card(
        task=task,
        use_case=f"bright_{task}",
        model_id=f"model-{hashlib.sha256(data).hexdigest()[:6]}",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        input=InputSize(height_px=SIDE_PX, width_px=SIDE_PX),
        classes=classes,
        dataset={"name": "v0001-abc", "fingerprint": "abc"},
        thresholds={"pass_below": 0.5, "refuse_from": 0.8},
        code_version="test",
    )
    return write_bundle(root, card, {"model.onnx": data})
