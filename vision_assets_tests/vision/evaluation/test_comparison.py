"""Two bundles are set beside each other, image by image."""

from dataclasses import replace

import pandas as pd
import pytest
from scipy.stats import binom

from vision_assets.vision.errors import DatasetError
from vision_assets.vision.evaluation.comparison import (
    compare,
    with_pictures,
    write_comparison,
)
from vision_assets.vision.evaluation.evaluate import evaluate
from vision_assets.vision.evaluation.scorecard import Scorecard
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.tasks.registry import load_task
from vision_assets_tests.vision.dataset.drawn_dataset import DrawnDataset


@pytest.fixture(scope="module")
def scorecard(bundle: Bundle, drawn: DrawnDataset) -> Scorecard:
    return evaluate(load_task("classification"), bundle, drawn.test, drawn.read)


def answering(scorecard: Scorecard, answers: list[str]) -> Scorecard:
    """The scorecard with other answers to its first images; all others are right."""
    predictions = scorecard.predictions.copy()
    predictions["predicted"] = predictions["label"]
    predictions.loc[predictions.index[: len(answers)], "predicted"] = answers
    predictions["correct"] = predictions["predicted"] == predictions["label"]
    return replace(scorecard, predictions=predictions)


@pytest.fixture(scope="module")
def compared(scorecard: Scorecard):
    """The first image is fixed, the next two are broken, the fourth is wrong otherwise."""
    first = answering(scorecard, ["x", *scorecard.predictions["label"][1:3], "x"])
    second = answering(scorecard, [scorecard.predictions["label"][0], "x", "x", "y"])
    return compare(first, second)


def test_images_are_fixed_broken_changed_or_unchanged(compared, scorecard: Scorecard):
    n = len(scorecard.predictions)
    assert compared.counts == {"fixed": 1, "broken": 2, "changed": 1, "unchanged": n - 4}
    assert compared.images["kind"].tolist()[:4] == ["fixed", "broken", "broken", "changed"]
    assert compared.n_right == (n - 2, n - 3)


def test_the_test_is_mcnemars_exact_one(compared):
    assert compared.p_value == pytest.approx(min(1, 2 * binom.cdf(1, 3, 0.5)))


def test_equal_answers_are_no_difference(scorecard: Scorecard):
    same = compare(scorecard, scorecard)
    assert same.counts["unchanged"] == len(scorecard.predictions)
    assert same.p_value == 1


def test_images_that_one_was_not_judged_by_are_left_out(scorecard: Scorecard):
    fewer = replace(scorecard, predictions=scorecard.predictions.iloc[2:])
    assert compare(fewer, scorecard).n_left_out == 2
    none = replace(scorecard, predictions=scorecard.predictions.iloc[:0])
    with pytest.raises(DatasetError, match="judge both on the same"):
        compare(none, scorecard)


def test_the_page_shows_what_is_fixed_and_broken(
    compared, bundle: Bundle, drawn: DrawnDataset, tmp_path
):
    pictured = with_pictures(compared, bundle, bundle, drawn.read)
    page = write_comparison(pictured, tmp_path)
    text = page.read_text()
    assert text.count('<figure class="pair">') == 3
    assert "http" not in text
    assert "McNemar" in text
    images = pd.read_parquet(page.parent / "images.parquet")
    pd.testing.assert_frame_equal(images, compared.images, check_dtype=False)
    assert write_comparison(pictured, tmp_path) == page


@pytest.mark.parametrize("name", ["comparison.html", "images.parquet"])
def test_a_comparison_that_misses_a_file_is_made_again(compared, tmp_path, name: str):
    folder = write_comparison(compared, tmp_path).parent
    (folder / name).unlink()
    assert (write_comparison(compared, tmp_path).parent / name).is_file()
