"""What is counted of objects: by COCO's rules, and as kinds of error."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from vision_assets.vision.inference.answers import NOTHING, NOTHING_ID, Answer
from vision_assets.vision.objects import AnnotatedObject, Box, to_text
from vision_assets.vision.tasks.detection.figures import figures
from vision_assets.vision.tasks.detection.measure import BACKGROUND_NAME, DetectionMeasure
from vision_assets.vision.tasks.task import Measured
from vision_assets_tests.vision.tasks.detection.cards import CLASSES

Said = tuple[int, float, Box]
Image = tuple[Sequence[Said], Sequence[Said], Sequence[tuple[int, Box]]]
SCRATCH, SPOT = 11, 12
HERE, NEAR, THERE = (0, 0, 40, 40), (16, 0, 56, 40), (60, 60, 90, 90)
NAMES = {entry.id: entry.name for entry in CLASSES}


def answer(told: Sequence[Said], faint: Sequence[Said]) -> Answer:
    objects = [
        {"label": NAMES[class_id], "class_id": class_id, "score": score, "box": list(box)}
        for class_id, score, box in told
    ]
    return {
        "label": objects[0]["label"] if objects else "(nothing)",
        "score": 0.9,
        "objects": objects,
        "faint": [[class_id, score, *box] for class_id, score, box in faint],
        "defect_score": 0.5,
        "decision": None,
    }


def measured(*images: Image) -> Measured:
    measure = DetectionMeasure(CLASSES)
    for n, (told, faint, truth) in enumerate(images):
        objects = to_text([AnnotatedObject(class_id, box) for class_id, box in truth])
        class_id = truth[0][0] if truth else NOTHING_ID
        row = {"image_id": f"{n}", "class_id": class_id, "label": NAMES.get(class_id, NOTHING)}
        measure.update(row | {"objects": objects}, answer(told, faint))
    return measure.compute()


def kinds(found: Measured) -> dict[tuple[str, str], int]:
    table = found.curves["error_kinds"]
    rows = table[table["n"] > 0].to_dict("records")
    return {(row["kind"], row["label"]): row["n"] for row in rows}


def test_an_image_is_right_where_all_is_found_and_nothing_else_is_told():
    right = ([(SCRATCH, 0.9, HERE)], [(SPOT, 0.1, THERE)], [(SCRATCH, HERE)])
    missed = ([], [(SCRATCH, 0.2, HERE)], [(SCRATCH, HERE)])
    more = ([(SCRATCH, 0.9, HERE), (SPOT, 0.8, THERE)], [], [(SCRATCH, HERE)])
    empty = ([], [], [])
    found = measured(right, missed, more, empty)
    assert found.predictions["correct"].tolist() == [True, False, False, True]
    assert found.predictions["error"].tolist() == pytest.approx([0, 1, 1 / 3, 0])
    assert found.predictions["defect"].tolist() == [True, True, True, False]
    assert found.metrics["accuracy"] == 0.5


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ([(SCRATCH, 0.9, HERE)], {}),
        ([], {("missed", "scratch"): 1}),
        ([(SCRATCH, 0.9, HERE), (SCRATCH, 0.8, HERE)], {("duplicate", "scratch"): 1}),
        ([(SPOT, 0.9, HERE)], {("wrong class", "spot"): 1}),
        ([(SCRATCH, 0.9, NEAR)], {("badly placed", "scratch"): 1}),
        (
            [(SPOT, 0.9, NEAR)],
            {("wrong class and badly placed", "spot"): 1, ("missed", "scratch"): 1},
        ),
        (
            [(SCRATCH, 0.9, HERE), (SPOT, 0.9, THERE)],
            {("background", "spot"): 1},
        ),
    ],
)
def test_every_error_is_of_one_kind(told: list[Said], kind: dict[tuple[str, str], int]):
    found = kinds(measured((told, [], [(SCRATCH, HERE)])))
    assert {key: n for key, n in found.items() if key[0]} == kind


def test_the_confusion_counts_every_object_and_every_box_once():
    told = [(SCRATCH, 0.9, HERE), (SPOT, 0.9, THERE), (SPOT, 0.8, (200, 200, 220, 220))]
    truth = [(SCRATCH, HERE), (SCRATCH, THERE), (SPOT, (300, 0, 320, 20))]
    confusion = measured((told, [], truth)).confusion
    assert confusion.loc["scratch", "scratch"] == 1
    assert confusion.loc["scratch", "spot"] == 1
    assert confusion.loc["spot", BACKGROUND_NAME] == 1
    assert confusion.loc[BACKGROUND_NAME, "spot"] == 1
    assert confusion.to_numpy().sum() == 4


def random_images(seed: int, n: int = 12) -> Measured:
    rng = np.random.default_rng(seed)
    images = []
    for _ in range(n):
        corner = rng.uniform(0, 200, (rng.integers(0, 6), 2))
        boxes = np.concatenate([corner, corner + rng.uniform(40, 120, corner.shape)], 1)
        truth = [(int(rng.choice([SCRATCH, SPOT])), tuple(box)) for box in boxes.tolist()]
        found = [
            (class_id, float(rng.uniform()), tuple(np.array(box) + rng.normal(0, 8, 4)))
            for class_id, box in [*truth, *truth[:2]]
            if rng.uniform() > 0.2
        ] + [(SPOT, float(rng.uniform()), (0, 0, 50, 50)) for _ in range(2)]
        found.sort(key=lambda each: -each[1])
        told = [each for each in found if each[1] >= 0.5]
        images.append((told, [each for each in found if each[1] < 0.5], truth))
    return measured(*images)


@pytest.mark.parametrize("seed", range(8))
def test_average_precision_is_that_of_the_library(seed: int):
    found = random_images(seed)
    seen = figures(found.predictions, np.ones((1, len(found.predictions))))
    by_library = found.per_class.set_index("label")["average_precision_50"]
    for name in ("scratch", "spot"):
        ours = float(seen[f"average_precision_50/{name}"].values[0])
        assert ours == pytest.approx(by_library[name], abs=1e-9)
    ours = float(seen["mean_average_precision_50"].values[0])
    assert ours == pytest.approx(found.metrics["mean_average_precision_50"], abs=1e-9)


def test_an_image_that_counts_twice_is_as_two_images():
    found = random_images(3).predictions
    weights = np.random.default_rng(0).integers(0, 3, (4, len(found))).astype(float)
    weighted = figures(found, weights)
    for row, counts in enumerate(weights.astype(int)):
        repeated = pd.DataFrame(found.loc[found.index.repeat(counts)])
        alone = figures(repeated, np.ones((1, len(repeated))))
        for name, figure in alone.items():
            assert weighted[name].values[row] == pytest.approx(figure.values[0], abs=1e-9), name


def test_figures_of_sizes_are_there_where_objects_of_the_size_are():
    small = ([(SPOT, 0.9, (0, 0, 10, 10))], [], [(SPOT, (0, 0, 10, 10))])
    metrics = measured(small).metrics
    assert metrics["mean_average_precision_small"] == pytest.approx(1)
    assert "mean_average_precision_large" not in metrics


def test_without_any_object_there_is_no_average_precision_and_no_failure():
    found = measured(([], [], []))
    assert found.metrics["accuracy"] == 1
    assert found.metrics["mean_average_precision_50"] == 0
    assert "mean_average_precision_50" not in figures(found.predictions, np.ones((1, 1)))


def test_a_class_that_the_bundle_does_not_know_is_missed():
    measure = DetectionMeasure(CLASSES)
    objects = to_text([AnnotatedObject(99, HERE)])
    row = {"image_id": "0", "class_id": 99, "label": "dent", "objects": objects}
    measure.update(row, answer([], []))
    assert measure.compute().per_class.set_index("label").loc["dent", "recall"] == 0
