from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vision_assets.vision.dataset.manifest_file import (
    conform,
    fingerprint,
    read_manifest,
    write_manifest,
)
from vision_assets.vision.manifest import COLUMNS, TEXT
from vision_assets.vision.spec import ClassSpec

WORDS = st.one_of(st.none(), st.text(max_size=5))
CLASSES = (ClassSpec(id=0, name="good"), ClassSpec(id=1, name="spot"))


def manifest_of(rows: list[tuple]) -> pd.DataFrame:
    """Rows of (class id, split, group, lot, perceptual hash)."""
    frame = pd.DataFrame(rows, columns=["class_id", "split", "group", "lot", "phash"])
    frame["image_id"] = [f"{n:064x}" for n in range(len(rows))]
    frame["received_at"] = pd.Timestamp("2026-01-01", tz="UTC")
    for column, type_ in COLUMNS.items():
        if column not in frame:
            frame[column] = None if type_ == TEXT else 1
    return conform(frame.astype({"phash": "uint64", "class_id": "Int64"}))


MANIFESTS = st.lists(
    st.tuples(st.sampled_from([0, 1, None]), WORDS, WORDS, WORDS, st.integers(0, 2**64 - 1)),
    min_size=1,
    max_size=8,
).map(manifest_of)


@settings(deadline=None, max_examples=25)
@given(manifest=MANIFESTS)
def test_a_manifest_comes_back_from_its_file(
    manifest: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("manifest") / "manifest.parquet"
    write_manifest(manifest, path)
    back = read_manifest(path)
    pd.testing.assert_frame_equal(back, manifest)
    assert fingerprint(back, CLASSES) == fingerprint(manifest, CLASSES)


@settings(deadline=None, max_examples=25)
@given(manifest=MANIFESTS, seed=st.integers(0, 100))
def test_the_fingerprint_does_not_depend_on_order(manifest: pd.DataFrame, seed: int) -> None:
    shuffled = manifest.iloc[np.random.default_rng(seed).permutation(len(manifest))]
    shuffled = shuffled[shuffled.columns[::-1]]
    assert fingerprint(shuffled, CLASSES[::-1]) == fingerprint(manifest, CLASSES)


@pytest.mark.parametrize("column", ["class_id", "split", "group", "lot", "image_id"])
def test_the_fingerprint_depends_on_every_part_of_the_content(column: str) -> None:
    manifest = manifest_of([(0, "train", "a", "L1", 1), (1, "test", "b", "L2", 2)])
    other = manifest.copy()
    other.loc[0, column] = 1 if column == "class_id" else "changed"
    assert fingerprint(other, CLASSES) != fingerprint(manifest, CLASSES)


def test_missing_and_empty_text_have_other_fingerprints() -> None:
    missing, empty = (manifest_of([(0, "train", "a", lot, 1)]) for lot in (None, ""))
    assert fingerprint(missing, CLASSES) != fingerprint(empty, CLASSES)


def test_text_does_not_slide_from_one_row_to_the_next() -> None:
    one = manifest_of([(0, "train", "ab", "L", 1), (0, "train", "c", "L", 2)])
    other = manifest_of([(0, "train", "a", "L", 1), (0, "train", "bc", "L", 2)])
    assert fingerprint(one, CLASSES) != fingerprint(other, CLASSES)


def test_times_and_statistics_are_not_part_of_the_fingerprint() -> None:
    manifest = manifest_of([(0, "train", "a", "L", 1)])
    later = manifest.assign(received_at=pd.Timestamp("2027-01-01", tz="UTC"), brightness=2.0)
    assert fingerprint(later, CLASSES) == fingerprint(manifest, CLASSES)


def test_a_renamed_class_changes_the_fingerprint() -> None:
    manifest = manifest_of([(0, "train", "a", "L", 1)])
    renamed = (ClassSpec(id=0, name="fine"), CLASSES[1])
    assert fingerprint(manifest, renamed) != fingerprint(manifest, CLASSES)


def test_a_file_is_readable_without_us(tmp_path: Path) -> None:
    write_manifest(manifest_of([(None, "unlabelled", None, "L", 1)]), tmp_path / "m.parquet")
    assert pd.read_parquet(tmp_path / "m.parquet")["class_id"].isna().all()
