"""INT8: made, judged against the floats that it comes from, and shipped only where it may."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vision_assets.vision.dataset.sample import spread_sample
from vision_assets.vision.errors import BundleError
from vision_assets.vision.inference.bundle import MODEL_FILE, Bundle, write_bundle
from vision_assets.vision.inference.golden import check_golden
from vision_assets.vision.inference.predictor import Predictor
from vision_assets.vision.int8 import Int8Trial, gain_in_accuracy, try_int8
from vision_assets.vision.quantize import quantise
from vision_assets.vision.spec import ExportSpec
from vision_assets.vision.tasks.registry import load_task
from vision_assets_tests.vision.dataset.drawn_dataset import DrawnDataset

TASK = load_task("classification")


@pytest.fixture(scope="module")
def calibration(drawn: DrawnDataset) -> list[bytes]:
    return [data for _, data in drawn.read(spread_sample(drawn.manifest, 24))]


@pytest.fixture(scope="module")
def integers(bundle: Bundle, calibration: list[bytes]) -> Bundle:
    return quantise(bundle, calibration, calibration[:8])


@pytest.fixture(scope="module")
def trial(bundle: Bundle, integers: Bundle, drawn: DrawnDataset) -> Int8Trial:
    spec = ExportSpec(int8=True, int8_margin=0.2)
    return try_int8(TASK, bundle, integers, drawn.test, drawn.read, spec)


def test_an_int8_bundle_is_one_of_its_own_beside_the_floats(bundle: Bundle, integers: Bundle):
    assert integers.card.precision == "int8"
    assert integers.bundle_id != bundle.bundle_id
    assert Bundle.load(bundle.folder.parent / integers.bundle_id) == integers
    assert len(integers.read(MODEL_FILE)) < 0.4 * len(bundle.read(MODEL_FILE))


def test_its_convolutions_compute_with_integers_and_its_head_does_not(integers: Bundle):
    import onnx

    graph = onnx.load_from_string(integers.read(MODEL_FILE)).graph
    made_by = {name: node.op_type for node in graph.node for name in node.output}
    inputs = {
        kind: {
            made_by.get(name)
            for node in graph.node
            if node.op_type == kind
            for name in node.input[:2]
        }
        for kind in ("Conv", "Gemm")
    }
    assert inputs["Conv"] == {"DequantizeLinear"}
    assert "DequantizeLinear" not in inputs["Gemm"]


def test_quantising_again_gives_the_same_bundle(
    bundle: Bundle, integers: Bundle, calibration: list[bytes]
):
    assert quantise(bundle, calibration, calibration[:8]).bundle_id == integers.bundle_id


def test_it_answers_its_golden_images(integers: Bundle):
    assert check_golden(Predictor(integers)) == pytest.approx(0, abs=1e-6)


def test_it_needs_images_to_calibrate(bundle: Bundle):
    with pytest.raises(BundleError, match="images to calibrate"):
        quantise(bundle, [], [])


def test_a_model_without_convolutions_is_not_called_one_of_integers(
    bundle: Bundle, calibration: list[bytes], tmp_path: Path
):
    import onnx

    proto = onnx.load_from_string(bundle.read(MODEL_FILE))
    for node in proto.graph.node:
        node.op_type = node.op_type.replace("Conv", "Relu")
    plain = write_bundle(tmp_path, bundle.card, {MODEL_FILE: proto.SerializeToString()})
    with pytest.raises(BundleError, match="expected a model with convolutions"):
        quantise(plain, calibration, [])


def test_a_trial_counts_flips_and_measures_both(trial: Int8Trial, drawn: DrawnDataset):
    assert trial.n == len(drawn.test)
    assert 0 <= trial.flips <= 2
    assert trial.difference[0] < 0 < trial.difference[1]
    assert trial.bytes[1] < trial.bytes[0]
    assert all(each > 0 for each in (*trial.latency_ms, trial.speed_up))


def test_a_bundle_is_no_worse_than_itself(bundle: Bundle, drawn: DrawnDataset):
    same = try_int8(TASK, bundle, bundle, drawn.test, drawn.read, ExportSpec(int8_margin=0.2))
    assert same.flips == 0
    assert same.correct[0] == same.correct[1]
    assert same.speed_up == pytest.approx(1, abs=0.35)


@pytest.mark.parametrize(
    ("changes", "ships", "said"),
    [
        ({}, True, "INT8 ships"),
        ({"difference": (-0.011, 0.0)}, False, "may lose more than 0.01"),
        ({"speed_up": 0.97}, False, "not faster on this machine"),
        ({"escapes": (np.nan, np.nan)}, False, "makes of defects is not known"),
        ({"overkill": (np.nan, np.nan)}, False, "makes of good parts is not known"),
        ({"escapes": (np.nan, np.nan), "overkill": (np.nan, np.nan)}, True, "INT8 ships"),
    ],
)
def test_it_ships_where_it_is_faster_and_loses_little(changes, ships, said):
    good = Int8Trial(
        *(900, 3, (0.98, 0.98), (-0.006, 0.006), (0.1, 0.1), (0.02, 0.03)),
        *((2.0, 1.0), 2.0, (4, 1), 0.01),
    )
    judged = replace(good, **changes)
    assert judged.passed is ships
    assert said in judged.text


def answered(right: list[bool]) -> pd.DataFrame:
    """Outcomes of images of one class."""
    ids = [f"{index:06d}" for index in range(len(right))]
    return pd.DataFrame({"image_id": ids, "label": "good", "correct": right})


def test_the_interval_of_a_known_loss():
    low, high = gain_in_accuracy(answered([False] * 100 + [True] * 900), answered([True] * 1000))
    deviation = np.sqrt(0.1 * 0.9 / 1000)
    assert low == pytest.approx(-0.1 - 1.96 * deviation, abs=0.002)
    assert high == pytest.approx(-0.1 + 1.96 * deviation, abs=0.002)


@pytest.mark.parametrize(("n", "bound"), [(10, 0.308), (100, 0.0362), (1000, 0.00368)])
def test_few_images_without_a_loss_prove_little(n: int, bound: float):
    same = answered([True] * n)
    assert gain_in_accuracy(same, same) == pytest.approx((-bound, bound), abs=5e-4)


def test_images_of_one_group_prove_no_more_than_one():
    same = answered([True] * 100)
    grouped = same.assign(group=[str(index // 10) for index in range(100)])
    assert gain_in_accuracy(grouped, grouped) == pytest.approx((-0.308, 0.308), abs=5e-4)


def test_a_won_image_does_not_hide_how_few_they_are():
    low, high = gain_in_accuracy(answered([True] * 10), answered([True] * 9 + [False]))
    assert low == pytest.approx(-0.308, abs=1e-3)
    assert high == pytest.approx(0.3, abs=0.01)
