"""Wrong labels are found, and a person's corrections can be taken."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from vision_assets.vision.errors import DatasetError
from vision_assets.vision.evaluation.label_suspicion import (
    LabelSuspicion,
    confident_class,
    out_of_sample,
    suspect_labels,
)
from vision_assets.vision.evaluation.suspects_page import write_suspects
from vision_assets.vision.formats.csv_table import read_csv
from vision_assets.vision.inference.bundle import Bundle
from vision_assets_tests.vision.dataset.drawn_dataset import FIRST_ID, DrawnDataset

WRONG = 4


@pytest.fixture(scope="module")
def mislabelled(drawn: DrawnDataset) -> pd.DataFrame:
    """With four good parts that are said to be spots; two images have no label."""
    rows = drawn.manifest.copy()
    wrong = rows.index[rows["label"] == "good"][:WRONG]
    spot = rows.loc[rows["label"] == "spot", "class_id"].iloc[0]
    rows.loc[wrong, ["class_id", "label"]] = [spot, "spot"]
    rows.loc[rows.index[-2:], ["class_id", "label"]] = [pd.NA, None]
    return rows


@pytest.fixture(scope="module")
def suspicion(mislabelled: pd.DataFrame, bundle: Bundle, drawn: DrawnDataset) -> LabelSuspicion:
    return suspect_labels(mislabelled, bundle, drawn.read, "v0001-drawn")


def test_wrong_labels_are_the_most_suspect(
    suspicion: LabelSuspicion, mislabelled: pd.DataFrame, drawn: DrawnDataset
):
    given = mislabelled.set_index("image_id")["label"]
    true = drawn.manifest.set_index("image_id")["label"]
    wrong = {key for key in given.index if given[key] == "spot" and true[key] == "good"}
    first = suspicion.suspects.head(WRONG)
    assert len(wrong & set(first["image_id"])) >= WRONG - 1
    assert "good" in set(first["suggested"])
    assert 0 < suspicion.share < 0.4


def test_images_without_a_label_are_left_alone(
    suspicion: LabelSuspicion, mislabelled: pd.DataFrame
):
    assert suspicion.n == len(mislabelled) - 2
    assert suspicion.confusion.to_numpy().sum() == pytest.approx(suspicion.n)


def test_a_class_of_one_image_is_not_judged(bundle: Bundle, drawn: DrawnDataset):
    rows = drawn.test.copy()
    rows.loc[rows.index[0], ["class_id", "label"]] = [99, "rare"]
    found = suspect_labels(rows, bundle, drawn.read, "v0001-drawn")
    assert found.left_out == ("rare",)
    assert found.n == len(rows) - 1


def test_a_class_of_one_group_is_not_judged(bundle: Bundle, drawn: DrawnDataset):
    own = drawn.test["image_id"]
    rows = drawn.test.assign(group=own.where(drawn.test["label"] != "spot", "one lot"))
    found = suspect_labels(rows, bundle, drawn.read, "v0001-drawn")
    assert found.left_out == ("spot",)


def test_classes_of_few_groups_have_as_few_folds(bundle: Bundle, drawn: DrawnDataset):
    rows = drawn.test.assign(group=[str(n % 2) for n in range(len(drawn.test))])
    assert suspect_labels(rows, bundle, drawn.read, "v0001-drawn").n == len(rows)


def test_all_images_of_one_group_are_told(bundle: Bundle, drawn: DrawnDataset):
    with pytest.raises(DatasetError, match="images of 2 groups or more"):
        suspect_labels(drawn.test.assign(group="one"), bundle, drawn.read, "v0001-drawn")


def test_one_class_alone_is_told(bundle: Bundle, drawn: DrawnDataset):
    one = drawn.test[drawn.test["class_id"] == FIRST_ID]
    with pytest.raises(DatasetError, match="label more images"):
        suspect_labels(one, bundle, drawn.read, "v0001-drawn")


def test_images_of_one_group_do_not_vouch_for_each_other():
    """Twins with the same wrong label, far from all others of that label."""
    rng = np.random.default_rng(0)
    embeddings = np.concatenate([rng.normal(0, 0.3, (30, 4)), rng.normal(4, 0.3, (30, 4))])
    given = np.repeat([0, 1], 30)
    embeddings[:6] = embeddings[40]
    alone, groups = np.arange(60), np.concatenate([np.zeros(6), np.arange(1, 55)])
    apart = out_of_sample(embeddings, given, groups)[:6, 0].mean()
    together = out_of_sample(embeddings, given, alone)[:6, 0].mean()
    assert apart < together


def test_a_class_is_confident_where_it_is_as_probable_as_for_its_own():
    probabilities = np.array([[0.9, 0.1], [0.7, 0.3], [0.1, 0.9], [0.8, 0.2], [0.55, 0.45]])
    given = np.array([0, 0, 1, 1, 0])
    assert confident_class(probabilities, given).tolist() == [0, -1, 1, 0, -1]


def test_the_page_shows_the_suspects_and_the_table_can_be_taken_back(
    suspicion: LabelSuspicion, drawn: DrawnDataset, tmp_path
):
    page = write_suspects(suspicion, "drawn", drawn.read, tmp_path)
    text = page.html.read_text()
    assert text.count("<figure>") == len(suspicion.suspects) > 0
    assert "http" not in text
    rows = [row for _, row in read_csv(page.csv, ("image", "label"))]
    assert [row["image"] for row in rows] == suspicion.suspects["image_id"].tolist()
    assert [row["label"] for row in rows] == suspicion.suspects["label"].tolist()
    page.csv.write_text("edited")
    assert write_suspects(suspicion, "drawn", drawn.read, tmp_path).csv.read_text() == "edited"
    page.csv.unlink()
    assert write_suspects(suspicion, "drawn", drawn.read, tmp_path).csv.is_file()


def test_where_no_label_is_suspected_the_page_says_so(
    suspicion: LabelSuspicion, drawn: DrawnDataset, tmp_path
):
    none = replace(suspicion, suspects=suspicion.suspects.iloc[:0])
    page = write_suspects(none, "drawn", drawn.read, tmp_path)
    assert "no label is suspected" in page.html.read_text()
    assert list(read_csv(page.csv, ("image", "label"))) == []
