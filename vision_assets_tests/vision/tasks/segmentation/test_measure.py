"""Figures agree with scikit-learn's over all pixels, and keep no mask."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, jaccard_score, precision_score, recall_score

from vision_assets.vision.evaluation.bootstrap import intervals
from vision_assets.vision.inference.answers import NOTHING
from vision_assets.vision.inference.geometry.rle import encode
from vision_assets.vision.inference.geometry.windows import whole
from vision_assets.vision.objects import AnnotatedObject, to_text
from vision_assets.vision.tasks.segmentation import answer
from vision_assets.vision.tasks.segmentation.counts import pixel_counts
from vision_assets.vision.tasks.segmentation.figures import figures
from vision_assets.vision.tasks.segmentation.measure import SegmentationMeasure
from vision_assets.vision.tasks.segmentation.plots import in_thousandths
from vision_assets.vision.tasks.task import Measured
from vision_assets_tests.vision.tasks.segmentation.cards import CLASSES, card, outputs

SIDE = 32


def row_of(classes: np.ndarray, image_id: str, unknown: int | None = None) -> dict:
    objects = [
        AnnotatedObject(CLASSES[index - 1].id, (0, 0, SIDE, SIDE), mask=encode(classes == index))
        for index in (1, 2, 3)
        if (classes == index).any()
    ]
    if unknown is not None:
        objects.append(AnnotatedObject(unknown, (0, 0, 4, 4)))
    return {"image_id": image_id, "objects": to_text(objects), "width": SIDE, "height": SIDE}


def measured(pairs: list[tuple[np.ndarray, np.ndarray]], **options) -> Measured:
    measure = SegmentationMeasure(CLASSES)
    for n, (shown, said) in enumerate(pairs):
        found = answer.to_answer(outputs(said), card(), whole(SIDE, SIDE), {})
        measure.update(row_of(shown, f"{n:03}", **options), found)
    return measure.compute()


def blocks(seed: int) -> np.ndarray:
    """A map of 16 blocks."""
    coarse = np.random.default_rng(seed).integers(0, 4, (4, 4)).astype(np.uint8)
    return coarse.repeat(SIDE // 4, 0).repeat(SIDE // 4, 1)


def square(top: int, index: int = 2) -> np.ndarray:
    classes = np.zeros((SIDE, SIDE), np.uint8)
    classes[top : top + 8, 8:16] = index
    return classes


NOTHING_SHOWN = np.zeros((SIDE, SIDE), np.uint8)
PAIRS = [(blocks(n), blocks(n + 1)) for n in range(6)] + [(blocks(9), blocks(9))]


def test_figures_are_those_of_scikit_learn():
    found = measured(PAIRS)
    shown, said = (
        np.concatenate([each.ravel() for each in maps]) for maps in zip(*PAIRS, strict=True)
    )
    by_name = found.per_class.set_index("label")
    names = [NOTHING, "label", "crack", "spot"]
    for figure, reference in (
        ("iou", jaccard_score),
        ("dice", f1_score),
        ("precision", precision_score),
        ("recall", recall_score),
    ):
        expected = reference(shown, said, labels=range(4), average=None)
        assert by_name.loc[names, figure].tolist() == pytest.approx(expected.tolist())
    expected = jaccard_score(shown, said, labels=[1, 2, 3], average="macro")
    assert found.metrics["mean_iou"] == pytest.approx(expected)
    assert found.metrics["pixel_accuracy"] == pytest.approx((shown == said).mean())
    both = jaccard_score(shown > 1, said > 1)
    assert found.metrics["defect_iou"] == pytest.approx(both)


def test_an_image_is_right_from_an_iou_of_a_half():
    found = measured([(square(0), square(2)), (square(0), square(4)), (square(0), square(0, 3))])
    assert found.predictions["correct"].tolist() == [True, False, False]
    assert found.predictions["error"].tolist() == pytest.approx([1 - 48 / 80, 1 - 32 / 96, 1])


def test_nothing_where_nothing_is_is_right():
    found = measured([(NOTHING_SHOWN, NOTHING_SHOWN), (square(0), NOTHING_SHOWN)])
    rows = found.predictions
    assert rows["label"].tolist() == [NOTHING, "crack"]
    assert rows["correct"].tolist() == [True, False]
    assert rows["defect"].tolist() == [False, True]


def test_a_class_that_no_image_shows_does_not_pull_the_means_down():
    found = measured([(square(0), square(0))])
    assert found.metrics["mean_iou"] == 1
    assert "spot" in found.per_class["label"].tolist()
    assert "label" not in found.per_class["label"].tolist(), "no defect, and never shown"


def test_a_class_that_the_bundle_does_not_know_is_one_that_it_missed():
    found = measured([(square(8), square(8))], unknown=99)
    by_name = found.per_class.set_index("label")
    assert by_name.loc["class 99", "iou"] == 0
    assert found.metrics["mean_iou"] == pytest.approx(0.5)


def test_outlines_near_each_other_agree():
    names = {0: NOTHING, 1: "crack"}
    large = np.zeros((200, 200), np.uint8)
    large[50:150, 50:150] = 1
    for shift, near in ((1, True), (12, False)):
        counts = pixel_counts(np.roll(large, shift, 0), large, names).of_class["crack"]
        assert (counts[3] == counts[4]) is near


def test_figures_of_outcomes_are_those_of_the_measure():
    found = measured(PAIRS)
    again = figures(found.predictions, np.ones((1, len(PAIRS))))
    for name in ("mean_iou", "mean_dice", "boundary_f1", "defect_iou", "image_accuracy"):
        assert float(again[name].values[0]) == pytest.approx(found.metrics[name])


def test_an_image_that_counts_twice_is_one_that_is_there_twice():
    outcomes = measured(PAIRS).predictions
    twice = pd.concat([outcomes, outcomes.iloc[:1]])
    weighted = figures(outcomes, np.array([[2.0] + [1.0] * (len(PAIRS) - 1)]))
    repeated = figures(twice, np.ones((1, len(twice))))
    for name, figure in weighted.items():
        assert figure.values == pytest.approx(repeated[name].values, nan_ok=True), name


def test_every_figure_has_an_interval():
    found = intervals(measured(PAIRS).predictions, figures, resamples=200)
    for name in ("mean_iou", "mean_dice", "boundary_f1", "iou/crack", "dice/spot"):
        interval = found[name]
        assert 0 <= interval.low < interval.value < interval.high <= 1, name


def test_predictions_keep_counts_of_pixels_and_no_mask():
    rows = measured([(blocks(1), blocks(2))]).predictions
    counts = json.loads(rows["counts"][0])
    assert sum(of_class[2] for of_class in counts.values()) == SIDE**2
    assert len(rows["counts"][0]) < 300


def test_pixels_are_confused_in_thousandths_of_their_class():
    table = in_thousandths(measured([(square(0), square(4))]).curves["pixel_confusion"])
    assert table.loc["crack", "crack"] == 500
    assert table.loc["crack", NOTHING] == 500
    assert table.loc[NOTHING].sum() == pytest.approx(1000, abs=1)


def test_precision_and_recall_of_pixels_follow_the_scores():
    curve = measured([(square(0), square(0)), (square(0), square(4))]).curves[
        "pixel_precision_recall"
    ]
    last = curve[curve["label"] == "crack"].iloc[-1]
    assert (last["recall"], last["precision"]) == (0.75, 0.75)


def test_a_mask_of_another_size_than_the_picture_is_told():
    measure = SegmentationMeasure(CLASSES)
    found = answer.to_answer(outputs(square(0)), card(), whole(64, 64), {})
    with pytest.raises(ValueError, match="expected masks of"):
        measure.update(row_of(square(0), "0"), found)
