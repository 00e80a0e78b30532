"""COCO: what is written comes back, out of an index on disk; what is broken is named."""

import json
import os
import resource
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vision_assets.vision.errors import LandingUnreadable, StoreError
from vision_assets.vision.formats.annotations.coco_folder import CocoFolder
from vision_assets.vision.formats.annotations.said import Kind, Said
from vision_assets.vision.inference.geometry.rle import decode, encode
from vision_assets_tests.vision.formats.annotations.said_things import NAMES, mutations, objects_of

IMAGE = {"id": 7, "file_name": "a.jpg", "width": 40, "height": 30}
BOX = {"id": 1, "image_id": 7, "category_id": 3, "bbox": [1, 2, 10, 20]}
CATEGORY = {"id": 3, "name": "spot"}
Write = Callable[..., CocoFolder]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a JSON of some annotations and gives a reader of it."""

    def run(*annotations: dict[str, Any], name: str = "a.json", **lists: Any) -> CocoFolder:
        content = {"annotations": annotations, "images": [IMAGE], "categories": [CATEGORY]}
        path = tmp_path / "landing" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content | lists))
        return CocoFolder(tmp_path / "landing", None, tmp_path / "indices")

    return run


def read(folder: CocoFolder, path: str = "a.jpg") -> Said:
    said = folder.read(path)
    assert said is not None
    return said


def test_a_box_is_by_its_edges(write: Write):
    said = read(write(BOX))
    assert said.size == (40, 30)
    assert [(each.label, each.box) for each in objects_of(said)] == [("spot", (1, 2, 11, 22))]


@settings(deadline=2000)  # files are written
@given(label=NAMES, box=st.tuples(*[st.integers(0, 5000)] * 2, *[st.integers(1, 5000)] * 2))
def test_any_class_and_box_come_back(
    tmp_path_factory: pytest.TempPathFactory, label: str, box: tuple[int, ...]
):
    landing = tmp_path_factory.mktemp("coco")
    lists = {"images": [IMAGE], "categories": [{"id": 3, "name": label}]}
    (landing / "a.json").write_text(json.dumps({"annotations": [BOX | {"bbox": box}]} | lists))
    (each,) = objects_of(read(CocoFolder(landing, None, None)))
    left, top, width, height = box
    assert (each.label, each.box) == (label, (left, top, left + width, top + height))


def test_an_outline_is_kept(write: Write):
    (each,) = objects_of(read(write(BOX | {"segmentation": [[1, 2, 11, 2, 11, 22]]})))
    assert each.polygons == ((1, 2, 11, 2, 11, 22),)


@pytest.mark.parametrize("compressed", [True, False])
def test_run_lengths_are_kept(write: Write, compressed: bool):
    pixels = np.zeros((30, 40), bool)
    pixels[2:22, 1:11] = True
    runs = [32, *[20, 10] * 9, 20, 30 * 40 - 10 * 30 - 2 - 20 + 20 - 30 + 30]
    runs[-1] = 30 * 40 - sum(runs[:-1])
    said = encode(pixels).to_json() if compressed else {"size": [30, 40], "counts": runs}
    (each,) = objects_of(read(write(BOX | {"segmentation": said})))
    assert each.mask is not None
    assert np.array_equal(decode(each.mask), pixels)


def test_a_crowd_is_marked(write: Write):
    (each,) = objects_of(read(write(BOX | {"iscrowd": 1})))
    assert each.marks == (Kind.CROWD,)


def test_an_object_of_an_id_that_was_given_before_is_marked(write: Write):
    first, second = objects_of(read(write(BOX, BOX)))
    assert (first.marks, second.marks) == ((), (Kind.DUPLICATE_ID,))


def test_an_image_without_objects_was_looked_at(write: Write):
    assert read(write()).objects == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"category_id": 9},
        {"bbox": [1, 2, 3]},
        {"bbox": [1, 2, "x", 4]},
        {"bbox": [], "segmentation": []},
        {"segmentation": [[1, 2, 3, 4]]},
        {"segmentation": {"size": [30, 40], "counts": [1, 2]}},
        {"segmentation": {"size": [30, 40], "counts": "~~"}},
        {"segmentation": {"size": [10**9, 10**9], "counts": [1]}},
    ],
)
def test_what_is_no_object_is_named(write: Write, wrong: dict[str, Any]):
    said = read(write(BOX, BOX | {"id": 2} | wrong))
    assert [(fault.kind, fault.index) for fault in said.faults] == [(Kind.BAD_OBJECT, 2)]
    assert len(objects_of(said)) == 1


def test_an_image_is_found_by_the_end_of_its_path(write: Write):
    folder = write(BOX, images=[IMAGE | {"file_name": "deep\\a.jpg"}])
    assert folder.read("images/deep/a.jpg") is not None
    assert folder.read("images/a.jpg") is None


def test_the_json_of_the_images_own_folder_holds(write: Write):
    write(BOX, name="train/_annotations.coco.json")
    folder = write(name="valid/_annotations.coco.json")
    assert len(objects_of(read(folder, "train/a.jpg"))) == 1
    assert read(folder, "valid/a.jpg").objects == ()


def test_names_of_files_tell_splits(write: Write):
    write(name="annotations/instances_val2017.json", images=[IMAGE | {"file_name": "b.jpg"}])
    folder = write(BOX, name="annotations/instances_train2017.json")
    assert (folder.split_of("images/a.jpg"), folder.split_of("images/b.jpg")) == ("train", "val")


@pytest.fixture
def two_splits(write: Write) -> CocoFolder:
    """Two JSONs beside the images' folders that call another image each `a.jpg`."""
    write(BOX, name="annotations/instances_train2017.json")
    return write(name="annotations/instances_val2017.json")


@pytest.mark.parametrize(("folder", "split", "n"), [("train2017", "train", 1), ("val", "val", 0)])
def test_a_bare_name_is_of_the_split_that_a_folder_names(
    two_splits: CocoFolder, folder: str, split: str, n: int
):
    assert len(objects_of(read(two_splits, f"{folder}/a.jpg"))) == n
    assert two_splits.split_of(f"{folder}/a.jpg") == split


def test_a_bare_name_that_may_be_of_either_json_is_told(two_splits: CocoFolder):
    said = read(two_splits, "images/a.jpg")
    assert (said.objects, [fault.kind for fault in said.faults]) == (None, [Kind.DUPLICATE_ID])
    assert "instances_train2017.json, annotations/instances_val2017.json" in said.faults[0].detail
    assert two_splits.split_of("images/a.jpg") is None


def test_an_image_that_its_split_does_not_name_has_nothing_of_another_split(write: Write):
    write(BOX, name="annotations/instances_train.json")
    folder = write(name="annotations/instances_val.json", images=[IMAGE | {"file_name": "b.jpg"}])
    assert (folder.read("val/a.jpg"), folder.split_of("val/a.jpg")) == (None, None)
    assert folder.read("train/a.jpg") is not None


def test_a_name_with_folders_goes_before_a_bare_one(write: Write):
    write(BOX, name="a.json")
    folder = write(name="b.json", images=[IMAGE | {"file_name": "left/a.jpg"}])
    assert read(folder, "left/a.jpg").objects == ()
    assert len(objects_of(read(folder, "right/a.jpg"))) == 1


def test_a_near_json_goes_before_a_far_one_of_the_same_folder_name(write: Write):
    write(BOX, name="x/train/labels.json")
    folder = write(name="a.json", images=[IMAGE | {"file_name": "train/a.jpg"}])
    assert len(objects_of(read(folder, "x/train/a.jpg"))) == 1


def test_images_and_ids_that_are_not_there_are_named(write: Write):
    folder = write(BOX | {"image_id": 99})
    faults = list(folder.missing(["a.json"], ["images/other.jpg"]))
    assert [fault.kind for fault in faults] == [Kind.MISSING_IMAGE] * 2
    assert ["a.jpg" in faults[0].detail, "99" in faults[1].detail] == [True, True]


def test_the_index_is_built_once_while_the_file_is_unchanged(write: Write, tmp_path: Path):
    read(write(BOX))
    (index,) = (tmp_path / "indices").glob("*.sqlite")
    built_ns = index.stat().st_mtime_ns
    read(CocoFolder(tmp_path / "landing", None, tmp_path / "indices"))
    assert index.stat().st_mtime_ns == built_ns
    assert len(objects_of(read(write(BOX, BOX | {"id": 2})))) == 2
    assert len(list((tmp_path / "indices").glob("*.sqlite"))) == 1


def test_what_a_killed_process_left_of_an_index_goes(write: Write, tmp_path: Path):
    read(write(BOX))
    (index,) = (tmp_path / "indices").glob("*.sqlite")
    left = [index.with_name(f"{index.name}.{end}") for end in ("4711", "unfinished")]
    for path in left:
        path.write_bytes(b"half")
    read(write(BOX, BOX | {"id": 2}))
    assert not any(path.exists() for path in left)


def test_trouble_with_the_share_is_no_damaged_json(tmp_path: Path):
    """Reading the memory of a process at its beginning is an error of I/O, as of a share."""
    with pytest.raises(LandingUnreadable, match="cannot be read .Input/output error"):
        CocoFolder(Path("/proc/self"), "mem", tmp_path).read("a.jpg")


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file may grow beyond a page of SQLite's, which fails as a quota does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("small_files")
def test_an_index_that_cannot_be_written_is_no_damaged_json(write: Write, tmp_path: Path):
    with pytest.raises(StoreError, match="look at its disk, its quota"):
        read(write(BOX))
    assert [path.name for path in (tmp_path / "indices").iterdir()] == ["lock"]


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_named_like_a_json_and_is_no_file_is_told(
    write: Write, tmp_path: Path, make: Callable[[Path], None]
):
    folder = write(BOX)
    make(tmp_path / "landing" / "b.json")
    (fault,) = folder.missing(["b.json"], [])
    assert (fault.kind, "expected a file" in fault.detail) == (Kind.DAMAGED, True)
    assert read(folder).objects


def test_a_json_that_was_cut_off_is_told_of_every_image(write: Write, tmp_path: Path):
    folder = write(BOX)
    path = tmp_path / "landing/a.json"
    path.write_bytes(path.read_bytes()[:-30])
    said = read(folder)
    assert (said.objects, [fault.kind for fault in said.faults]) == (None, [Kind.DAMAGED])


def write_many(path: Path, n: int) -> None:
    """A JSON of n images with an outlined object each; objects come first, classes last."""
    outline = [float(value) for value in range(40)]
    lists = {
        "annotations": (
            {**BOX, "id": at, "image_id": at, "segmentation": [outline]} for at in range(n)
        ),
        "images": ({**IMAGE, "id": at, "file_name": f"{at}.jpg"} for at in range(n)),
        "categories": [CATEGORY],
    }
    with path.open("w") as file:
        for at, (name, entries) in enumerate(lists.items()):
            file.write(("," if at else "{") + f'"{name}":[')
            file.writelines(("," if n else "") + json.dumps(each) for n, each in enumerate(entries))
            file.write("]")
        file.write("}")


def peak_bytes(landing: Path) -> int:
    """Memory that reading some images takes, their index included."""
    tracemalloc.start()
    try:
        folder = CocoFolder(landing, None, None)
        assert all(objects_of(read(folder, f"{at}.jpg")) for at in (0, 99, 200))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("vision_assets.vision.formats.annotations.coco_index._ROWS_PER_INSERT", 50)
    peaks: list[int] = []
    for n in (300, 3000):
        (tmp_path / str(n)).mkdir()
        write_many(tmp_path / str(n) / "a.json", n)
        peaks.append(peak_bytes(tmp_path / str(n)))
    assert peaks[1] < 1.3 * peaks[0]


WHOLE = json.dumps(
    {"images": [IMAGE], "categories": [CATEGORY], "annotations": [BOX | {"segmentation": []}]}
).encode()


@settings(deadline=2000)  # files are written
@given(mutations(WHOLE))
def test_no_bytes_break_the_reader(tmp_path_factory: pytest.TempPathFactory, data: bytes):
    landing = tmp_path_factory.mktemp("coco")
    (landing / "a.json").write_bytes(data)
    folder = CocoFolder(landing, None, None)
    assert isinstance(folder.read("a.jpg"), Said | None)
    assert all(fault.detail for fault in folder.missing(["a.json"], ["a.jpg"]))
