"""Pictures are of the images that they are said to be of."""

import pytest

from vision_assets.vision.evaluation.evaluate import evaluate
from vision_assets.vision.evaluation.pictures import Examples, examples, spread
from vision_assets.vision.evaluation.scorecard import Scorecard
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.tasks.registry import load_task
from vision_assets_tests.vision.dataset.drawn_dataset import DrawnDataset


@pytest.fixture(scope="module")
def scorecard(bundle: Bundle, drawn: DrawnDataset) -> Scorecard:
    return evaluate(load_task("classification"), bundle, drawn.test, drawn.read)


@pytest.fixture(scope="module")
def shown(scorecard: Scorecard, bundle: Bundle, drawn: DrawnDataset) -> list[Examples]:
    return examples(scorecard, bundle, drawn.read, 2)


def test_examples_are_right_answers_of_every_class(shown: list[Examples], scorecard: Scorecard):
    assert [each.label for each in shown] == scorecard.per_class["label"].tolist()
    for each in shown:
        assert {picture.predicted for picture in each.surest + each.least_sure} == {each.label}


def test_the_surest_have_the_highest_scores(shown: list[Examples], scorecard: Scorecard):
    predictions = scorecard.predictions[scorecard.predictions["correct"].astype(bool)]
    for each in shown:
        scores = sorted(predictions.loc[predictions["label"] == each.label, "score"])
        assert [picture.score for picture in each.surest] == scores[:-3:-1]
        assert [picture.score for picture in each.least_sure] == scores[:2]


def test_no_image_is_shown_twice(scorecard: Scorecard, bundle: Bundle, drawn: DrawnDataset):
    shown = [
        picture.image_id
        for each in examples(scorecard, bundle, drawn.read, 100)
        for picture in each.surest + each.least_sure
    ]
    assert len(shown) == len(set(shown)) == scorecard.predictions["correct"].sum()


def test_spread_ids_are_of_all_parts():
    assert spread(list("abcdefghi"), 3) == ["a", "e", "i"]
    assert spread(list("ab"), 3) == ["a", "b"]
    assert spread([], 3) == []
