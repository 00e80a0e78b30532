"""A bundle that computes something else on this machine is found before it answers."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vision_assets.vision.errors import BundleError
from vision_assets.vision.export import write_with_golden
from vision_assets.vision.inference.bundle import MODEL_FILE, Bundle, InputSize, write_bundle
from vision_assets.vision.inference.golden import (
    GOLDEN_FILE,
    MAX_FILE_BYTES,
    MAX_IMAGES,
    check_golden,
)
from vision_assets.vision.inference.predictor import Predictor
from vision_assets.vision.inference.service.live_model import LiveModel
from vision_assets.vision.inference.service.settings import ServiceSettings
from vision_assets.vision.inference.service.slot import Slot, write_slot
from vision_assets_tests.drawing import CLASSES, draw_jpeg

Arrays = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def golden(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The bundle with golden images."""
    images = [draw_jpeg(seed, label) for seed in range(3) for label in CLASSES]
    root = tmp_path_factory.mktemp("golden")
    return write_with_golden(root, bundle.card, bundle.read(MODEL_FILE), images)


def arrays_of(bundle: Bundle) -> Arrays:
    with np.load(io.BytesIO(bundle.read(GOLDEN_FILE))) as arrays:
        return dict(arrays)


def with_file(bundle: Bundle, root: Path, name: str, data: bytes) -> Bundle:
    """The bundle with another file; its hashes and its id are those of what it holds."""
    return write_bundle(root, bundle.card, bundle.contents() | {name: data})


def with_arrays(bundle: Bundle, root: Path, **changed: np.ndarray) -> Bundle:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays_of(bundle) | changed)
    return with_file(bundle, root, GOLDEN_FILE, buffer.getvalue())


def with_louder_head(bundle: Bundle) -> bytes:
    """A model whose answers are others, as a processor that saturates would give them."""
    import onnx

    proto = onnx.load_from_string(bundle.read(MODEL_FILE))
    head = next(each for each in proto.graph.initializer if each.name.endswith("head.bias"))
    bias = onnx.numpy_helper.to_array(head) + np.array([0.1, 0, 0], np.float32)
    head.CopyFrom(onnx.numpy_helper.from_array(bias, head.name))
    return proto.SerializeToString()


def with_maps(channels: int) -> bytes:
    """A model that answers a byte per pixel and channel, as segmentation does."""
    from onnx import TensorProto, helper

    taken = helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", "h", "w", 3])
    given = helper.make_tensor_value_info("scores", TensorProto.UINT8, ["n", "h", "w", channels])
    index = helper.make_tensor("index", TensorProto.INT64, [channels], [0] * channels)
    gather = helper.make_node("Gather", ["images", "index"], ["scores"], axis=3)
    graph = helper.make_graph([gather], "maps", [taken], [given], [index])
    opset = helper.make_opsetid("", 18)
    return helper.make_model(graph, opset_imports=[opset], ir_version=9).SerializeToString()


def test_a_bundle_answers_its_golden_images_where_it_was_made(golden: Bundle):
    assert check_golden(Predictor(golden)) == pytest.approx(0, abs=1e-6)


def test_only_decisive_outputs_are_carried(golden: Bundle):
    arrays = arrays_of(golden)
    assert set(arrays) == {"images", "output_scores"}
    assert arrays["images"].shape == (MAX_IMAGES, 32, 32, 3)
    assert arrays["images"].dtype == np.uint8


def test_the_same_images_make_the_same_bundle(bundle: Bundle, golden: Bundle, tmp_path: Path):
    images = [draw_jpeg(seed, label) for seed in range(3) for label in CLASSES]
    again = write_with_golden(tmp_path, bundle.card, bundle.read(MODEL_FILE), images)
    assert again.bundle_id == golden.bundle_id


@pytest.mark.parametrize(
    ("side_px", "channels", "n"), [(32, 2, 8), (512, 5, 4), (1024, 5, 1), (1536, 5, 0)]
)
def test_as_many_golden_images_as_fit_with_what_is_said_of_them(
    bundle: Bundle, tmp_path: Path, side_px: int, channels: int, n: int
):
    card = bundle.card.model_copy(update={"input": InputSize(height_px=side_px, width_px=side_px)})
    made = write_with_golden(tmp_path, card, with_maps(channels), [draw_jpeg(0, CLASSES[0])] * 9)
    carried = len(arrays_of(made)["images"]) if GOLDEN_FILE in made.card.files else 0
    assert carried == n
    assert check_golden(Predictor(made)) == (0 if n else None)


def test_a_bundle_without_golden_images_is_taken(bundle: Bundle):
    assert check_golden(Predictor(bundle)) is None


def test_a_model_that_computes_something_else_is_refused(golden: Bundle, tmp_path: Path):
    other = with_file(golden, tmp_path, MODEL_FILE, with_louder_head(golden))
    with pytest.raises(BundleError, match="gives other outputs on this machine"):
        check_golden(Predictor(other))


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: {"output_scores": arrays["output_scores"] + 0.01},
        lambda arrays: {"output_scores": np.full_like(arrays["output_scores"], np.nan)},
        lambda arrays: {"output_scores": arrays["output_scores"][:1, :2]},
        lambda arrays: {"images": arrays["images"][:, :8]},
        lambda arrays: {"images": arrays["images"].astype(np.float32)},
    ],
    ids=["values", "nan", "shape", "size", "dtype"],
)
def test_golden_images_that_do_not_fit_refuse_the_bundle(
    golden: Bundle, tmp_path: Path, change: Callable[[Arrays], Arrays]
):
    other = with_arrays(golden, tmp_path, **change(arrays_of(golden)))
    with pytest.raises(BundleError, match="golden images"):
        check_golden(Predictor(other))


def test_nothing_pickled_is_loaded(golden: Bundle, tmp_path: Path):
    other = with_arrays(golden, tmp_path, output_scores=np.array([{"a": 1}], object))
    with pytest.raises(BundleError, match="cannot be read"):
        check_golden(Predictor(other))


@pytest.mark.parametrize("data", [b"", b"no archive", b"PK\x05\x06" + bytes(18)])
def test_a_damaged_file_is_told(golden: Bundle, tmp_path: Path, data: bytes):
    with pytest.raises(BundleError, match=r"golden\.npz cannot be read"):
        check_golden(Predictor(with_file(golden, tmp_path, GOLDEN_FILE, data)))


def test_a_file_that_unpacks_to_too_much_is_not_unpacked(golden: Bundle, tmp_path: Path):
    huge = np.zeros((1, MAX_FILE_BYTES + 1), np.uint8)
    with pytest.raises(BundleError, match="bytes unpacked"):
        check_golden(Predictor(with_arrays(golden, tmp_path, images=huge)))


def test_a_worker_refuses_it_and_goes_on_with_its_own(golden: Bundle, tmp_path: Path):
    other = with_file(golden, tmp_path, MODEL_FILE, with_louder_head(golden))
    slot = tmp_path / "slot.json"
    write_slot(slot, Slot(sequence=1, bundle_id=other.bundle_id, bundle=other.bundle_id))
    live = LiveModel(golden.folder, ServiceSettings(), slot, "drawn:test")
    live.look()
    live.stop()
    assert live.current.bundle.bundle_id == golden.bundle_id
    assert "other outputs on this machine" in live.info()["slot"]["refused"]
