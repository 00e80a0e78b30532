"""A folder of drawn pictures holds what its report says."""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vision_assets.vision.errors import ImageRefused, SpecError
from vision_assets.vision.inference.decode import decode
from vision_assets.vision.samples.draw import LABELS
from vision_assets.vision.samples.write import PATTERN, write_samples


@pytest.fixture(scope="module")
def delivered(tmp_path_factory):
    root = tmp_path_factory.mktemp("samples")
    return write_samples(root / "images", 25, seed=4, annotations=root / "annotations")


def test_every_file_is_in_the_report(delivered):
    assert delivered.n_files == len(list(delivered.folder.iterdir())) == 36
    assert delivered.labels == dict.fromkeys(LABELS, 5)


def test_every_name_fits_the_pattern(delivered):
    assert all(re.fullmatch(PATTERN, path.name) for path in delivered.folder.iterdir())


def test_broken_files_and_no_others_are_refused(delivered):
    refused = {path.name for path in delivered.folder.iterdir() if _is_refused(path)}
    assert refused == set(delivered.broken)


def test_duplicates_have_the_bytes_and_label_of_their_original(delivered):
    for copy, original in delivered.duplicates:
        assert _read(delivered, copy) == _read(delivered, original)
        assert _label(copy) == _label(original)


def test_conflicts_have_the_bytes_and_another_label(delivered):
    for copy, original in delivered.conflicts:
        assert _read(delivered, copy) == _read(delivered, original)
        assert _label(copy) != _label(original)


def test_near_duplicates_look_alike_and_differ_in_bytes(delivered):
    for copy, original in delivered.near_duplicates:
        one, other = _read(delivered, copy), _read(delivered, original)
        assert one != other
        assert np.abs(decode(one).astype(int) - decode(other)).mean() < 12


def test_annotations_lie_beside_with_boxes_around_the_mask(delivered):
    folder = delivered.folder.parent / "annotations"
    for path in folder.glob("*_pit.json"):
        boxes = json.loads(path.read_text())["boxes"]
        mask = np.asarray(Image.open(path.with_suffix(".png"))) > 0
        assert min(box["x_min"] for box in boxes) == np.flatnonzero(mask.any(axis=0))[0]
    assert len(list(folder.glob("*.json"))) == len(list(folder.glob("*.png"))) == 25


def test_the_same_arguments_give_the_same_files(tmp_path):
    write_samples(tmp_path / "one", 12, seed=1)
    write_samples(tmp_path / "two", 12, seed=1)
    assert _hashes(tmp_path / "one") == _hashes(tmp_path / "two")


def test_another_seed_adds_other_parts(tmp_path):
    first = write_samples(tmp_path, 12, seed=1)
    second = write_samples(tmp_path, 12, seed=2)
    assert len(list(tmp_path.iterdir())) == first.n_files + second.n_files


def test_more_copies_than_pictures_are_refused(tmp_path):
    with pytest.raises(SpecError, match="draw more pictures or fewer copies"):
        write_samples(tmp_path, 5)


def _is_refused(path: Path) -> bool:
    try:
        decode(path.read_bytes())
    except ImageRefused:
        return True
    return False


def _read(report, name: str) -> bytes:
    return (report.folder / name).read_bytes()


def _label(name: str) -> str:
    match = re.fullmatch(PATTERN, name)
    assert match is not None
    return match["label"]


def _hashes(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}
