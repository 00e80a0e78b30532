"""A bundle of 8-bit integers from one of floats, by static quantisation.

Convolutions take and give 8-bit integers, with one scale for each output channel of the weights
(Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference", 2018); normalisation, head and softmax stay in floats. The ranges of activations are
the smallest and largest values that calibration images give.

Weights use seven of their eight bits: processors without VNNI instructions add pairs of products
in 16 bits, which overflow with all eight (docs/int8.md has the figures).
"""

import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np

from vision_assets.vision.dataset.sample import spread_views
from vision_assets.vision.errors import BundleError
from vision_assets.vision.export import write_with_golden
from vision_assets.vision.inference.bundle import MODEL_FILE, Bundle
from vision_assets.vision.inference.decode import STORED
from vision_assets.vision.inference.predictor import Predictor
from vision_assets.vision.inference.session import INPUT

CALIBRATION_IMAGES = 128
CALIBRATION_VIEWS = 256
"""Of all calibration images together, where a model sees a picture in tiles."""
_QUANTISED = ("Conv",)


def quantise(bundle: Bundle, calibration: Sequence[bytes], golden: Sequence[bytes]) -> Bundle:
    """Write the INT8 bundle beside the one that it is made of.

    Args:
        bundle: of floats.
        calibration: encoded images that show what activations are like; no test images.
        golden: encoded images whose outputs the bundle shall carry.

    Raises:
        BundleError: there are no calibration images, nothing in the model can be quantised, or
            ONNX Runtime cannot do it.
    """
    if not calibration:
        raise BundleError(
            "expected images to calibrate an INT8 bundle with, got none in the train split; "
            "label images, or set export.int8 to false"
        )
    floats = bundle.read(MODEL_FILE)
    _check_convolves(floats)
    each = max(1, CALIBRATION_VIEWS // len(calibration))
    model = _quantised(floats, spread_views(Predictor(bundle, STORED), calibration, each))
    card = bundle.card.model_copy(update={"precision": "int8"})
    return write_with_golden(bundle.folder.parent, card, model, golden)


def _quantised(model: bytes, pixels: Iterator[np.ndarray]) -> bytes:
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder, _quiet():
        given, folded, made = (Path(folder, f"{name}.onnx") for name in ("given", "folded", "made"))
        given.write_bytes(model)
        try:
            quant_pre_process(given, folded, skip_symbolic_shape=True)
            quantize_static(
                folded,
                made,
                cast(Any, _Calibration(pixels)),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=list(_QUANTISED),
                per_channel=True,
                reduce_range=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
            )
        except Exception as error:  # ONNX Runtime raises bare C++ exception types
            raise BundleError(
                f"ONNX Runtime cannot quantise the model ({error}); set export.int8 to false"
            ) from error
        return _with_properties_of(model, made.read_bytes())


def _check_convolves(model: bytes) -> None:
    """Raise where nothing would be quantised: the same floats would go by the name of INT8."""
    import onnx

    if not any(node.op_type in _QUANTISED for node in onnx.load_from_string(model).graph.node):
        raise BundleError(
            "expected a model with convolutions, which is what INT8 computes with integers, got "
            "one without; set export.int8 to false"
        )


def _with_properties_of(model: bytes, made: bytes) -> bytes:
    """Whose model it is, as the one that it was made of says; the same model, the same bytes."""
    import onnx

    proto, properties = onnx.load_from_string(made), onnx.load_from_string(model).metadata_props
    del proto.metadata_props[:]
    proto.metadata_props.extend(properties)
    return proto.SerializeToString(deterministic=True)


class _Calibration:
    """One image at a time, as a CalibrationDataReader of ONNX Runtime gives them.

    Not a subclass, which would import ONNX Runtime's quantisation with this module.
    """

    def __init__(self, pixels: Iterator[np.ndarray]) -> None:
        self._pixels = pixels

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The inputs of the next run; None behind the last."""
        image = next(self._pixels, None)
        return None if image is None else {INPUT: image[None]}


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the advice that ONNX Runtime writes to the root logger."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
