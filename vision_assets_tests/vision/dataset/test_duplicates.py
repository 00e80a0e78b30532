import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vision_assets.vision.dataset import duplicates, hamming
from vision_assets.vision.dataset.duplicates import extend_pairs, find_twins, near_pairs, no_pairs
from vision_assets.vision.errors import DatasetError
from vision_assets_tests.vision.made_images import MadeImages

EXAMPLES = settings(deadline=None, max_examples=30)

# Few bits differ, so that near hashes are common.
LOW_BITS = st.integers(0, 2**10 - 1).map(lambda low: low and low | (0xABCD << 48))
HASHES = st.lists(LOW_BITS, max_size=40)


def brute_force(hashes: list[int], max_bits: int) -> set[tuple[int, int, int]]:
    distinct = sorted(set(hashes) - {0})
    return {
        (a, b, (a ^ b).bit_count())
        for i, a in enumerate(distinct)
        for b in distinct[i + 1 :]
        if (a ^ b).bit_count() <= max_bits
    }


def as_set(pairs: pd.DataFrame) -> set[tuple[int, int, int]]:
    assert not pairs.duplicated().any()
    return set(zip(*(pairs[name].tolist() for name in ("first", "second", "bits")), strict=True))


@EXAMPLES
@given(hashes=HASHES, max_bits=st.integers(0, 16))
def test_near_pairs_are_those_of_brute_force(hashes: list[int], max_bits: int) -> None:
    pairs = near_pairs(np.array(hashes, np.uint64), max_bits)
    assert as_set(pairs) == brute_force(hashes, max_bits)


@EXAMPLES
@given(seed=st.integers(0, 1000), max_bits=st.integers(0, 16), spread=st.sampled_from([11, 63]))
def test_near_pairs_are_exact_whether_bits_are_shared_by_many_or_few(
    seed: int, max_bits: int, spread: int
) -> None:
    rng = np.random.default_rng(seed)
    hashes = rng.integers(1, 2**spread, 100)
    flipped = hashes ^ (1 << rng.integers(0, 63, 100)) ^ (1 << rng.integers(0, 63, 100))
    both = np.concatenate([hashes, flipped]).astype(np.uint64)
    assert as_set(near_pairs(both, max_bits)) == brute_force(both.tolist(), max_bits)


def test_the_search_is_exact_in_small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, size in (("_CANDIDATES", 7), ("_ROWS", 3), ("_COLUMNS", 5)):
        monkeypatch.setattr(hamming, name, size)
    hashes = np.random.default_rng(0).integers(1, 2**63, 60).astype(np.uint64)
    both = np.concatenate([hashes, hashes ^ np.uint64(0b101 << 30)])
    for cost in (0, 1_000_000):
        monkeypatch.setattr(hamming, "_COST", cost)
        assert as_set(near_pairs(both, 4)) == brute_force(both.tolist(), 4)


@EXAMPLES
@given(known=HASHES, now=HASHES, max_bits=st.integers(0, 8))
def test_known_pairs_are_kept_and_give_the_same_result(
    known: list[int], now: list[int], max_bits: int
) -> None:
    before, after = np.array(known, np.uint64), np.array(now, np.uint64)
    pairs = extend_pairs(near_pairs(before, max_bits), before, after, max_bits)
    pd.testing.assert_frame_equal(pairs, near_pairs(after, max_bits))


def test_only_new_hashes_are_compared() -> None:
    known = np.arange(1, 5, dtype=np.uint64)
    assert len(extend_pairs(no_pairs(), known, known, max_bits=8)) == 0


def test_too_many_pairs_are_an_error_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "MAX_PAIRS", 10)
    with pytest.raises(DatasetError, match="near_duplicate_bits"):
        near_pairs(np.arange(1, 20, dtype=np.uint64), 16)


def twins_of(made: MadeImages) -> dict[str, str]:
    labelled = made.images().merge(made.labels(), on="image_id", how="left")
    twins = find_twins(labelled.assign(assigned_split=pd.Series(pd.NA, labelled.index)))
    return dict(zip(labelled["image_id"], twins, strict=True))


def test_a_twin_points_to_the_oldest_image_of_the_picture() -> None:
    made = MadeImages()
    first, second, other = (made.add(phash=7, brightness=9.5) for _ in range(3))
    made.rows[other]["brightness"] = 9.6
    twins = twins_of(made)
    assert pd.isna(twins[first])
    assert twins[second] == first
    assert pd.isna(twins[other])


def test_a_labelled_twin_counts_before_an_older_one_without_label() -> None:
    made = MadeImages()
    older, labelled = made.add(None, phash=7, brightness=9), made.add(phash=7, brightness=9)
    assert twins_of(made)[older] == labelled


def test_flat_images_are_no_twins() -> None:
    made = MadeImages()
    made.add_many(2, phash=0, brightness=9)
    assert all(pd.isna(twin) for twin in twins_of(made).values())
