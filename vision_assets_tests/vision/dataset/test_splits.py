from itertools import chain, pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vision_assets.vision.dataset.build import build_manifest
from vision_assets.vision.dataset.duplicates import near_pairs
from vision_assets.vision.errors import DatasetError
from vision_assets.vision.manifest import HELD_OUT, SPLITS, UNLABELLED
from vision_assets.vision.spec import SplitSpec
from vision_assets_tests.vision.made_images import MadeImages, split_spec

EXAMPLES = settings(deadline=None, max_examples=15)
BY_LOT = split_spec(group_by=("lot",))
VAL_OF_TRAIN = split_spec(group_by=("lot",), val_of_train=True, train=0.4, val=0.4, test=0.2)
IMAGE = st.tuples(
    st.sampled_from(["good", "scratch", "spot", None]),
    st.integers(0, 30),  # lot
    st.integers(0, 40),  # perceptual hash: few, so that some are near, 0 is flat
    st.sampled_from([None] * 12 + ["train", "val", "test", "tset"]),
)
BATCHES = st.lists(st.lists(IMAGE, min_size=1, max_size=15), min_size=1, max_size=4)


def manifest_of(
    made: MadeImages, previous: pd.DataFrame | None = None, spec: SplitSpec = BY_LOT
) -> pd.DataFrame:
    images = made.images()
    if "lot" not in images:
        images["lot"] = [f"lot of {key}" for key in images["image_id"]]
    pairs = near_pairs(images["phash"].to_numpy(np.uint64), spec.near_duplicate_bits)
    return build_manifest(images, made.labels(), made.classes(()), pairs, previous, spec)


def grow(batches: list, given_splits: bool) -> list[pd.DataFrame]:
    """The manifests after each batch."""
    made, manifests = MadeImages(), [None]
    for batch in batches:
        for label, lot, phash, split in batch:
            made.add(
                label,
                lot=str(lot),
                phash=phash * 0x0101010101010101,
                given_split=split if given_splits else None,
            )
        manifests.append(manifest_of(made, manifests[-1]))
    return manifests[1:]


def grow_train(batches: list) -> list[pd.DataFrame]:
    """The manifests after each batch of images given to train, of which val is held out."""
    made, manifests = MadeImages(), [None]
    for batch in batches:
        for label, lot, phash, _ in batch:
            made.add(label, lot=str(lot), phash=phash * 0x0101010101010101, given_split="train")
        manifests.append(manifest_of(made, manifests[-1], VAL_OF_TRAIN))
    return manifests[1:]


def split_of(manifest: pd.DataFrame) -> dict[str, str]:
    return dict(zip(manifest["image_id"], manifest["split"], strict=True))


def in_splits(manifest: pd.DataFrame) -> pd.DataFrame:
    return manifest[manifest["split"].isin(SPLITS)]


@EXAMPLES
@given(batches=BATCHES, given_splits=st.booleans())
def test_every_image_is_in_one_split_or_it_is_said_why_not(
    batches: list, given_splits: bool
) -> None:
    manifest = grow(batches, given_splits)[-1]
    assert manifest["image_id"].is_unique
    assert manifest["split"].isin([*SPLITS, HELD_OUT, UNLABELLED]).all()
    assert ((manifest["split"] == UNLABELLED) == manifest["class_id"].isna()).all()
    assert (manifest["held_out_because"].notna() == (manifest["split"] == HELD_OUT)).all()
    assert (manifest["group"].notna() == manifest["split"].isin(SPLITS)).all()


@EXAMPLES
@given(batches=BATCHES)
def test_linked_images_are_never_in_two_splits(batches: list) -> None:
    for manifest in grow(batches, given_splits=False):
        members = in_splits(manifest)
        for key in ("lot", "group"):
            assert (members.groupby(key)["split"].nunique() == 1).all()
        hashes = [value for value in members["phash"].unique() if value]
        near = near_pairs(np.array(hashes, np.uint64), BY_LOT.near_duplicate_bits)
        split = members.groupby("phash")["split"].first()
        for first, second in zip(near["first"], near["second"], strict=True):
            assert split[first] == split[second]


@EXAMPLES
@given(batches=BATCHES)
def test_val_that_is_held_out_of_train_shares_no_group_with_it(batches: list) -> None:
    manifests = grow_train(batches)
    for manifest in manifests:
        members = in_splits(manifest)
        assert set(members["split"]) <= {"train", "val"}
        assert (members.groupby("group")["split"].nunique() == 1).all()
    for before, after in pairwise(manifests):
        now = split_of(after)
        assert all(now[key] == split for key, split in split_of(in_splits(before)).items())


@EXAMPLES
@given(batches=BATCHES, given_splits=st.booleans())
def test_images_stay_in_their_split_and_test_images_never_leave(
    batches: list, given_splits: bool
) -> None:
    manifests = grow(batches, given_splits)
    for before, after in pairwise(manifests):
        now = split_of(after)
        for image_id, split in split_of(in_splits(before)).items():
            assert now[image_id] in ((split,) if split == "test" else (split, HELD_OUT))


@EXAMPLES
@given(batches=BATCHES)
def test_without_given_splits_newcomers_move_nothing(batches: list) -> None:
    manifests = grow(batches, given_splits=False)
    for before, after in pairwise(manifests):
        now = split_of(after)
        assert all(now[key] == split for key, split in split_of(in_splits(before)).items())


@EXAMPLES
@given(batches=BATCHES, given_splits=st.booleans(), seed=st.integers(0, 100))
def test_the_order_of_rows_does_not_matter(batches: list, given_splits: bool, seed: int) -> None:
    made = MadeImages()
    for label, lot, phash, split in chain.from_iterable(batches):
        made.add(label, lot=str(lot), phash=phash, given_split=split if given_splits else None)
    manifest = manifest_of(made)
    keys = np.random.default_rng(seed).permutation(list(made.rows))
    made.rows = {key: made.rows[key] for key in keys}
    pd.testing.assert_frame_equal(manifest, manifest_of(made))


@pytest.mark.parametrize(
    ("n", "expected"),
    [(1, (1, 0, 0)), (2, (1, 0, 1)), (3, (1, 1, 1)), (5, (3, 1, 1)), (100, (60, 20, 20))],
)
def test_small_classes_fill_train_then_test_then_val(n: int, expected: tuple[int, ...]) -> None:
    made = MadeImages()
    made.add_many(n)
    counts = manifest_of(made)["split"].value_counts()
    assert tuple(int(counts.get(split, 0)) for split in SPLITS) == expected


def test_each_class_has_the_wanted_shares() -> None:
    made = MadeImages()
    made.add_many(50, "good")
    made.add_many(20, "spot")
    manifest = manifest_of(made)
    counts = manifest.groupby(["label", "split"]).size()
    assert [counts["good", split] for split in SPLITS] == [30, 10, 10]
    assert [counts["spot", split] for split in SPLITS] == [12, 4, 4]


def test_shares_converge_when_images_come_one_by_one() -> None:
    made, manifest = MadeImages(), None
    for _ in range(40):
        made.add()
        manifest = manifest_of(made, manifest)
    assert manifest is not None
    assert manifest["split"].value_counts().to_dict() == {"train": 24, "val": 8, "test": 8}


def test_shares_converge_with_groups() -> None:
    made, manifest = MadeImages(), None
    for lot in range(60):
        made.add_many(lot % 5 + 1, "good" if lot % 2 else "spot", lot=str(lot))
        if lot % 20 == 19:
            manifest = manifest_of(made, manifest)
    assert manifest is not None
    shares = manifest["split"].value_counts(normalize=True)
    assert shares["train"] == pytest.approx(0.6, abs=0.05)
    assert shares["test"] == pytest.approx(0.2, abs=0.05)


def test_three_large_groups_reach_all_three_splits() -> None:
    made = MadeImages()
    for lot in "abc":
        made.add_many(30, lot=lot)
    assert set(manifest_of(made)["split"]) == set(SPLITS)


def test_another_seed_gives_other_splits() -> None:
    made = MadeImages()
    made.add_many(40)
    assert split_of(manifest_of(made)) != split_of(manifest_of(made, spec=split_spec(seed=1)))


def placed() -> tuple[MadeImages, pd.DataFrame, dict[str, pd.DataFrame]]:
    """Twenty images in lots of their own, and the rows of each split."""
    made = MadeImages()
    for n in range(20):
        made.add(lot=f"lot {n}")
    manifest = manifest_of(made)
    return made, manifest, dict(iter(manifest.groupby("split")))


def test_a_newcomer_joins_the_split_of_its_group() -> None:
    made, manifest, rows = placed()
    joining = {split: made.add(lot=rows[split]["lot"].iloc[0]) for split in SPLITS}
    now = split_of(manifest_of(made, manifest))
    assert {split: now[image_id] for split, image_id in joining.items()} == {s: s for s in SPLITS}


def test_a_newcomer_that_joins_train_and_test_is_held_out_and_moves_nothing() -> None:
    made, manifest, rows = placed()
    bridge = made.add(lot=rows["train"]["lot"].iloc[0], phash=int(rows["test"]["phash"].iloc[0]))
    after = manifest_of(made, manifest).set_index("image_id")
    assert after.loc[bridge, "split"] == HELD_OUT
    assert "several splits" in after.loc[bridge, "held_out_because"]
    assert split_of(manifest) == split_of(after.drop(bridge).reset_index())


def test_a_chain_of_newcomers_between_train_and_test_is_cut() -> None:
    made, manifest, rows = placed()
    left = made.add(lot=rows["train"]["lot"].iloc[0], phash=0xFF00)
    right = made.add(lot=rows["test"]["lot"].iloc[0], phash=0xFF01)
    now = split_of(manifest_of(made, manifest))
    assert sorted([now[left], now[right]]) in ([HELD_OUT, "train"], [HELD_OUT, "test"])


def test_a_group_found_later_removes_train_images_for_good() -> None:
    made, manifest, rows = placed()
    train, test = (rows[split]["image_id"].iloc[0] for split in ("train", "test"))
    made.rows[train]["lot"] = made.rows[test]["lot"]
    second = manifest_of(made, manifest)
    third = manifest_of(made, second)
    for after in (second, third):
        assert split_of(after)[train] == HELD_OUT
        assert split_of(after)[test] == "test"


def test_val_yields_to_test_and_train_to_val() -> None:
    made, manifest, rows = placed()
    train, val, other_val, test = (
        rows[split]["image_id"].iloc[n]
        for split, n in (("train", 0), ("val", 0), ("val", 1), ("test", 0))
    )
    made.rows[train]["lot"] = made.rows[other_val]["lot"]
    made.rows[val]["lot"] = made.rows[test]["lot"]
    now = split_of(manifest_of(made, manifest))
    assert [now[key] for key in (train, val, other_val, test)] == [
        HELD_OUT,
        HELD_OUT,
        "val",
        "test",
    ]


def test_a_removed_train_image_returns_to_train_once_the_test_image_is_gone() -> None:
    made, manifest, rows = placed()
    train, test = (rows[split]["image_id"].iloc[0] for split in ("train", "test"))
    made.rows[train]["lot"] = made.rows[test]["lot"]
    second = manifest_of(made, manifest)
    made.erase(test)
    assert split_of(manifest_of(made, second))[train] == "train"


def test_a_test_image_that_loses_its_label_returns_to_test_with_it() -> None:
    made, manifest, rows = placed()
    image_id = rows["test"]["image_id"].iloc[0]
    label = made.label_of.pop(image_id)
    second = manifest_of(made, manifest)
    made.label_of[image_id] = label
    assert split_of(second)[image_id] == UNLABELLED
    assert split_of(manifest_of(made, second))[image_id] == "test"


def test_given_splits_are_honoured_even_where_they_leak() -> None:
    made = MadeImages()
    given_of = {made.add(given_split=split, lot="same"): split for split in SPLITS}
    manifest = manifest_of(made)
    assert split_of(manifest) == given_of
    assert manifest["group"].nunique() == 1


def test_an_unknown_given_split_holds_the_image_out() -> None:
    made = MadeImages()
    image_id = made.add(given_split="tset")
    row = manifest_of(made).set_index("image_id").loc[image_id]
    assert row["split"] == HELD_OUT
    assert "'tset'" in row["held_out_because"]


def test_of_two_images_of_one_picture_one_counts() -> None:
    made = MadeImages()
    first, second = made.add(phash=9, brightness=1), made.add(phash=9, brightness=1)
    rows = manifest_of(made).set_index("image_id")
    assert rows.loc[first, "split"] == "train"
    assert rows.loc[second, "split"] == HELD_OUT
    assert rows.loc[second, "duplicate_of"] == first


def test_no_share_means_no_image() -> None:
    made = MadeImages()
    made.add_many(10)
    manifest = manifest_of(made, spec=split_spec(train=0.8, val=0, test=0.2))
    assert set(manifest["split"]) == {"train", "test"}


def test_grouping_by_what_images_do_not_have_says_what_they_have() -> None:
    made = MadeImages()
    made.add(line="A")
    with pytest.raises(DatasetError, match=r"one of \['line', 'lot'\], got \['part'\]"):
        manifest_of(made, spec=split_spec(group_by=("part",)))


def test_a_group_that_the_source_names_stays_together() -> None:
    made = MadeImages()
    made.add_many(15, group="one")
    made.add_many(15, group="two")
    manifest = manifest_of(made, spec=split_spec())
    assert manifest.groupby("group").size().tolist() == [15, 15]
    assert manifest_of(made, manifest, split_spec(group_by=("group",))).equals(manifest)


def test_an_empty_store_is_an_error_with_a_remedy() -> None:
    with pytest.raises(DatasetError, match="landing folder"):
        manifest_of(MadeImages())


def test_what_is_given_to_train_is_divided_where_val_is_held_out_of_it() -> None:
    made = MadeImages()
    for n in range(200):
        given = "train" if n < 160 else "test"
        made.add("good", lot=str(n // 4), phash=0, given_split=given)
    spec = BY_LOT.model_copy(update={"val_of_train": True})
    first = manifest_of(made, spec=spec)
    counts = first["split"].value_counts()
    assert counts["test"] == 40
    assert 0 < counts["val"] < 80
    assert first.groupby("group")["split"].nunique().max() == 1
    for n in range(40):
        made.add("good", lot=str(100 + n // 4), phash=0, given_split="train")
    grown = split_of(manifest_of(made, first, spec))
    assert all(grown[key] == split for key, split in split_of(first).items())


def test_look_alikes_of_images_given_to_train_join_their_split() -> None:
    made = MadeImages()
    for n in range(60):
        made.add("good", lot=str(n), phash=0, given_split="train")
    first = manifest_of(made, spec=VAL_OF_TRAIN)
    for n in range(60):
        made.add("good", lot=str(n), phash=0, given_split="train")
    second = manifest_of(made, first, VAL_OF_TRAIN)
    assert set(second["split"]) == {"train", "val"}
    assert (second.groupby("lot")["split"].nunique() == 1).all()


def test_a_newcomer_given_to_train_between_train_and_val_is_held_out() -> None:
    made = MadeImages()
    for n in range(20):
        made.add("good", lot=str(n), given_split="train")
    first = manifest_of(made, spec=VAL_OF_TRAIN)
    train, val = (first[first["split"] == split].iloc[0] for split in ("train", "val"))
    bridge = made.add("good", lot=train["lot"], phash=int(val["phash"]), given_split="train")
    alike = made.add("good", lot=val["lot"], phash=0, given_split="train")
    after = manifest_of(made, first, VAL_OF_TRAIN).set_index("image_id")
    assert after.loc[bridge, "split"] == HELD_OUT
    assert "several splits" in after.loc[bridge, "held_out_because"]
    assert after.loc[alike, "split"] == "val"
