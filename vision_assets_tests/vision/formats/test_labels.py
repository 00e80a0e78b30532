"""How files tell their labels."""

import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_assets.vision.errors import SpecError
from vision_assets.vision.formats.labels import Labelled, labeller
from vision_assets.vision.formats.path_text import as_text
from vision_assets.vision.spec import SourceSpec

NAMES = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8)
PATTERN = r"(?P<label>[^_]+)_(?P<line>L\d)_(?P<part>[^_.]+)\.\w+"


def by_folder(path: str) -> Labelled:
    return labeller(SourceSpec(landing="x", label="folder"), Path())(path)


def by_pattern(path: str, pattern: str = PATTERN) -> Labelled:
    return labeller(SourceSpec(landing="x", label="pattern", pattern=pattern), Path())(path)


def by_csv(folder: Path, table: str | bytes, path: str, name: str = "labels.csv") -> Labelled:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(table.encode() if isinstance(table, str) else table)
    return labeller(SourceSpec(landing="x", label="csv", csv=name), folder)(path)


def test_the_innermost_folder_is_the_label():
    assert by_folder("line1/scratch/a.jpg") == Labelled("scratch")


def test_a_file_in_no_folder_has_no_label():
    assert by_folder("a.jpg") == Labelled()


@pytest.mark.parametrize(
    ("folder", "split"),
    [("train", "train"), ("val", "val"), ("valid", "val"), ("Validation", "val"), ("test", "test")],
)
def test_an_outer_folder_gives_the_split(folder: str, split: str):
    assert by_folder(f"{folder}/spot/a.jpg") == Labelled("spot", split)


def test_a_split_folder_alone_is_no_label():
    assert by_folder("train/a.jpg") == Labelled(None, "train")


def test_labels_are_composed_unicode():
    decomposed = unicodedata.normalize("NFD", "Kratzer-größe")
    assert by_folder(f"{decomposed}/a.jpg").label == "Kratzer-größe"


def test_groups_of_the_pattern_become_attributes():
    assert by_pattern("any/where/scratch_L2_p7.jpg") == Labelled(
        "scratch", None, {"line": "L2", "part": "p7"}
    )


def test_a_pattern_with_a_slash_sees_the_whole_path():
    pattern = r"MT_(?P<label>\w+)/Imgs/exp(?P<exposure>\d)_.*"
    assert by_pattern("MT_Crack/Imgs/exp3_num_1.jpg", pattern) == Labelled(
        "Crack", None, {"exposure": "3"}
    )


def test_a_name_that_does_not_match_is_unlabelled():
    assert by_pattern("readme.txt") == Labelled()


def test_a_group_that_took_no_part_says_nothing():
    assert by_pattern("ok.jpg", r"(?P<label>\w+?)(_(?P<lot>\d+))?\.jpg") == Labelled("ok")


def test_a_pattern_adds_attributes_to_folder_labels():
    source = SourceSpec(landing="x", label="folder", pattern=r"(?P<camera>c\d)_.*")
    assert labeller(source, Path())("spot/c1_x.jpg") == Labelled("spot", None, {"camera": "c1"})


@pytest.mark.parametrize("name", ["image_id", "window"])
def test_a_group_with_the_name_of_a_column_is_told(name: str):
    with pytest.raises(ValueError, match=rf"\['{name}'\] are names of the manifest"):
        SourceSpec(landing="x", pattern=rf"(?P<{name}>\d)_.*")


@given(label=NAMES, line=st.integers(0, 9), part=NAMES, split=st.sampled_from(["train", "val"]))
def test_any_names_come_back_out_of_a_pattern(label: str, line: int, part: str, split: str):
    pattern = r"(?P<split>\w+?)/(?P<label>[^_]+)_(?P<line>\d)_(?P<part>[^_]+)\.png"
    found = by_pattern(f"{split}/{label}_{line}_{part}.png", pattern)
    composed = [unicodedata.normalize("NFC", text) for text in (label, part)]
    assert found == Labelled(composed[0], split, {"line": str(line), "part": composed[1]})


@given(st.text(max_size=30))
def test_no_path_breaks_a_labeller(path: str):
    assert by_folder(path).given_split in {None, "train", "val", "test"}
    assert by_pattern(path).label is None or re.fullmatch(r"[^_]+", str(by_pattern(path).label))


def test_a_name_that_is_not_utf_8_is_shown_with_escapes():
    assert as_text(b"caf\xe9.jpg".decode("utf-8", "surrogateescape")) == "caf\\xe9.jpg"


def test_csv_gives_label_split_and_attributes(tmp_path: Path):
    table = "file,label,split,line\nin/a.jpg,spot,train,L1\n"
    assert by_csv(tmp_path, table, "in/a.jpg") == Labelled("spot", "train", {"line": "L1"})


def test_csv_may_name_files_below_its_own_folder(tmp_path: Path):
    assert by_csv(tmp_path, "file,label\na.jpg,spot\n", "in/a.jpg", "in/t.csv").label == "spot"


def test_csv_may_name_files_alone(tmp_path: Path):
    assert by_csv(tmp_path, "file,label\na.jpg,spot\n", "deep/er/a.jpg").label == "spot"


def test_csv_of_a_spreadsheet_with_mark_and_semicolons(tmp_path: Path):
    table = "file;label\r\nä.jpg;Kratzer\r\n".encode("utf-8-sig")
    assert by_csv(tmp_path, table, "ä.jpg").label == "Kratzer"


def test_a_file_that_the_csv_does_not_name_is_unlabelled(tmp_path: Path):
    assert by_csv(tmp_path, "file,label\na.jpg,spot\n", "b.jpg") == Labelled()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("name,label\na.jpg,spot\n", r"labels.csv, row 1: expected columns"),
        ("file,label\na.jpg\n", r"labels.csv, row 2: expected as many fields"),
        ("file,label\na.jpg,spot,x\n", r"labels.csv, row 2: expected as many fields"),
        ("file,label\n,spot\n", r"labels.csv, row 2: expected a path"),
        ("file,label\na.jpg,x\na.jpg,y\n", r"labels.csv, row 3: 'a.jpg' is in an earlier row"),
        ("file,label,split\na.jpg,x,maybe\n", r"labels.csv, row 2: expected a split"),
        ("file,label,phash\na.jpg,x,1\n", r"row 2: the columns \['phash'\]"),
        (b"file,label\na.jpg,\xff\n", r"labels.csv, row 2: expected UTF-8"),
        ('file,label\n"a.jpg,x\n', r"labels.csv, after row 1: not a row"),
        ("", r"labels.csv, row 1: expected columns"),
    ],
)
def test_a_wrong_csv_names_file_and_row(tmp_path: Path, table: str | bytes, message: str):
    with pytest.raises(SpecError, match=message):
        by_csv(tmp_path, table, "a.jpg")


def test_a_missing_csv_says_so(tmp_path: Path):
    with pytest.raises(SpecError, match=r"none.csv cannot be read"):
        labeller(SourceSpec(landing="x", label="csv", csv="none.csv"), tmp_path)


def test_a_csv_beyond_the_bound_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("vision_assets.vision.formats.csv_table.MAX_BYTES", 20)
    with pytest.raises(SpecError, match="at most 20 bytes"):
        by_csv(tmp_path, "file,label\n" + "a.jpg,spot\n" * 10, "a.jpg")


def test_a_csv_with_too_many_rows_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("vision_assets.vision.formats.csv_table.MAX_ROWS", 1)
    with pytest.raises(SpecError, match="row 3: expected at most 1 rows"):
        by_csv(tmp_path, "file,label\na.jpg,x\nb.jpg,x\n", "a.jpg")
