"""Golden images: what a bundle answered when it was made, to be answered again elsewhere.

`golden.npz` in a bundle holds a few prepared images and the decisive outputs that its model
gave for them. Another processor, another release of ONNX Runtime or another decoder of the
file may compute something else from the same bytes; it shows here, before anybody is answered.
"""

import io
import zipfile
from collections.abc import Sequence

import numpy as np

from vision_assets.vision.errors import BundleError
from vision_assets.vision.inference.answers import Outputs
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.inference.predictor import Predictor, Prepared
from vision_assets.vision.tasks.registry import load_answers

GOLDEN_FILE = "golden.npz"
MAX_IMAGES = 8
MAX_BYTES = 8 * 1024 * 1024
"""Of all golden images of a bundle and what the model says of them, before compression; large
inputs have fewer. A single image may have twice that."""
TOLERANCES = {"fp32": 1e-3, "int8": 2e-2}
"""Largest difference by precision: processors add in another order, which is worth some 1e-6
in floats; where an integer is rounded the other way, it is worth one of 256 levels."""
MAX_FILE_BYTES = 2 * MAX_BYTES
"""Before compression; a larger file is not unpacked."""
_HEADER_BYTES = 64 * 1024
"""More than the names, shapes and types of all arrays take."""
_IMAGES = "images"
_OUTPUT = "output_"


def golden_count(predictor: Predictor) -> int:
    """How many images a bundle carries, 0 to 8; none where not even one fits into the file."""
    size = predictor.bundle.card.input
    blank = Prepared.as_it_is(np.zeros((size.height_px, size.width_px, 3), np.uint8))
    said = _decisive(predictor, [blank])
    bytes_each = blank.pixels.nbytes + sum(values.nbytes for values in said.values())
    one_fits = bytes_each + _HEADER_BYTES <= MAX_FILE_BYTES
    return min(MAX_IMAGES, max(MAX_BYTES // bytes_each, int(one_fits)))


def golden_file(predictor: Predictor, images: Sequence[np.ndarray]) -> bytes:
    """The content of `golden.npz`; the same images and outputs give the same bytes.

    Args:
        predictor: of the bundle, before it has a golden file.
        images: each (h, w, 3) uint8, of the size that the model takes; at most `golden_count`.
    """
    said = _decisive(predictor, [Prepared.as_it_is(image) for image in images])
    arrays = {f"{_OUTPUT}{name}": values for name, values in said.items()}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **{_IMAGES: np.stack(images)}, **arrays)
    return buffer.getvalue()


def check_golden(predictor: Predictor) -> float | None:
    """Run the golden images of a bundle and compare.

    Returns:
        The largest difference of a decisive output; None for a bundle without golden images,
        as those of early releases and of huge inputs are.

    Raises:
        BundleError: the outputs on this machine are others, or the file is damaged.
    """
    bundle = predictor.bundle
    if GOLDEN_FILE not in bundle.card.files:
        return None
    images, expected = _read(bundle)
    try:
        got = predictor.outputs([Prepared.as_it_is(image) for image in images])
        found = load_answers(bundle.card.task).difference(expected, got)
    except Exception as error:  # ONNX Runtime raises bare C++ exception types
        raise BundleError(
            f"{bundle.folder} does not answer its golden images: {error}; export it again"
        ) from error
    tolerance = TOLERANCES[bundle.card.precision]
    if not found <= tolerance:
        raise BundleError(
            f"{bundle.folder} gives other outputs on this machine than when it was exported: "
            f"they differ by {found:.3g} on its golden images, expected at most {tolerance:g}; "
            "export the model again on a machine like this one, or serve it on one like that"
        )
    return found


def _decisive(predictor: Predictor, prepared: Sequence[Prepared]) -> Outputs:
    outputs = predictor.outputs(prepared)
    return {name: outputs[name] for name in load_answers(predictor.bundle.card.task).DECISIVE}


def _read(bundle: Bundle) -> tuple[np.ndarray, Outputs]:
    """Images and expected outputs by name, bounded before anything is unpacked."""
    data = io.BytesIO(bundle.read(GOLDEN_FILE))
    try:
        with zipfile.ZipFile(data) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > MAX_FILE_BYTES:
            raise ValueError(f"expected at most {MAX_FILE_BYTES} bytes unpacked, got {size}")
        with np.load(data, allow_pickle=False) as arrays:
            outputs = {
                name.removeprefix(_OUTPUT): arrays[name]
                for name in arrays.files
                if name.startswith(_OUTPUT)
            }
            return arrays[_IMAGES], outputs
    except (ValueError, LookupError, OSError, EOFError, MemoryError, zipfile.BadZipFile) as error:
        raise BundleError(
            f"{bundle.folder / GOLDEN_FILE} cannot be read ({error}); export the model again"
        ) from error
