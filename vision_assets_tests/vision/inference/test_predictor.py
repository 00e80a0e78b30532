"""From bytes to answers."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from vision_assets.vision.errors import BundleError, ImageRefused, Reason, SpecError
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.inference.decode import STORED, Limits
from vision_assets.vision.inference.predictor import Predictor
from vision_assets.vision.inference.session import Session
from vision_assets_tests.drawing import CLASSES, draw_jpeg


@pytest.fixture(scope="module")
def predictor(bundle: Bundle) -> Predictor:
    return Predictor(bundle)


def test_an_answer_names_the_class_with_the_highest_score(predictor: Predictor):
    answer = predictor.predict(draw_jpeg(1000, "scratch"))
    assert answer["label"] == max(answer["scores"], key=answer["scores"].__getitem__)
    assert answer["score"] == answer["scores"][answer["label"]]
    assert answer["class_id"] == 10 + CLASSES.index(answer["label"])
    assert sum(answer["scores"].values()) == pytest.approx(1, abs=1e-5)


def test_images_that_were_never_seen_are_named_right(predictor: Predictor):
    answers = [
        predictor.predict(draw_jpeg(seed, label)) for seed in (901, 902) for label in CLASSES
    ]
    assert [answer["label"] for answer in answers] == [*CLASSES, *CLASSES]


def test_a_batch_is_answered_as_its_images_one_by_one(predictor: Predictor):
    images = [draw_jpeg(seed, label) for seed in range(500, 505) for label in CLASSES]
    for together, alone in zip(
        predictor.predict_batch(images), map(predictor.predict, images), strict=True
    ):
        assert together["label"] == alone["label"]
        assert together["score"] == pytest.approx(alone["score"], abs=1e-5)


def test_no_image_gets_no_answer(predictor: Predictor):
    assert predictor.predict_batch([]) == []


def test_any_size_is_taken_and_remembered(predictor: Predictor):
    prepared = predictor.prepare(draw_jpeg(0, side_px=57))
    assert (prepared.picture.height_px, prepared.picture.width_px) == (57, 57)
    assert prepared.pixels.shape == (1, 32, 32, 3)


def test_every_output_of_the_contract_is_there(predictor: Predictor):
    outputs = predictor.outputs([predictor.prepare(draw_jpeg(seed)) for seed in range(3)])
    assert outputs["scores"].shape == (3, len(CLASSES))
    assert outputs["embedding"].shape[0] == 3
    assert outputs["embedding"].ndim == 2
    assert outputs["activation"].ndim == 3


def test_stored_images_are_asked_whatever_their_size(bundle: Bundle):
    assert Predictor(bundle, STORED).predict(draw_jpeg(0, side_px=12))["label"]


def test_limits_hold_before_anything_is_decoded(bundle: Bundle):
    with pytest.raises(ImageRefused) as refused:
        Predictor(bundle, Limits(max_pixels=100)).predict(draw_jpeg(0))
    assert refused.value.reason is Reason.TOO_MANY_PIXELS


def test_several_threads_get_the_answers_of_one(predictor: Predictor):
    images = [draw_jpeg(seed, CLASSES[seed % 3]) for seed in range(30)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(predictor.predict, images)) == list(map(predictor.predict, images))


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((1, 31, 32, 3), np.uint8),
        np.zeros((1, 32, 32, 3), np.float32),
        np.zeros((32, 32, 3), np.uint8),
    ],
    ids=["size", "dtype", "no batch"],
)
def test_a_wrong_tensor_is_refused_with_both_shapes(bundle: Bundle, images: np.ndarray):
    with pytest.raises(ValueError, match=r"expected \(n, 32, 32, 3\) uint8, got"):
        Session(bundle).run(images)


def test_a_model_that_takes_something_else_is_refused(bundle: Bundle, tmp_path):
    import onnx

    proto = onnx.load_from_string(bundle.read("model.onnx"))
    proto.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    other = _of_model(bundle, proto.SerializeToString(), tmp_path)
    with pytest.raises(BundleError):
        Session(other)


def test_bytes_that_are_no_model_are_a_bundle_error(bundle: Bundle, tmp_path):
    with pytest.raises(BundleError, match="cannot be loaded by ONNX Runtime"):
        Session(_of_model(bundle, b"no model", tmp_path))


def test_a_task_that_nobody_registered_is_told(bundle: Bundle):
    card = bundle.card.model_copy(update={"task": "astrology"})
    with pytest.raises(SpecError, match=r"expected a task of .*'classification'.*got 'astrology'"):
        Predictor(Bundle(bundle.folder, card))


def test_predicting_needs_neither_torch_nor_pandas(bundle: Bundle, tmp_path):
    """In a process of its own, where importing them fails."""
    (tmp_path / "image.jpg").write_bytes(draw_jpeg(0))
    script = (
        "import sys\n"
        "for name in ('torch', 'pandas', 'dagster', 'mlflow', 'bentoml', 'lance', 'pyarrow',"
        " 'sklearn', 'matplotlib'): sys.modules[name] = None\n"
        "from pathlib import Path\n"
        "from vision_assets.vision.inference.bundle import Bundle\n"
        "from vision_assets.vision.inference.predictor import Predictor\n"
        f"predictor = Predictor(Bundle.load(Path({str(bundle.folder)!r})))\n"
        f"print(predictor.predict(Path({str(tmp_path / 'image.jpg')!r}).read_bytes())['label'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env={**os.environ}
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in CLASSES


def _of_model(bundle: Bundle, model: bytes, folder) -> Bundle:
    import hashlib

    digest = hashlib.sha256(model).hexdigest()
    (folder / "model.onnx").write_bytes(model)
    return Bundle(folder, bundle.card.model_copy(update={"files": {"model.onnx": digest}}))
