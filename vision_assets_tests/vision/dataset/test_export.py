import errno
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
import pytest

from vision_assets.vision.dataset.export import export
from vision_assets.vision.dataset.versions import DatasetVersion, DatasetVersions
from vision_assets.vision.errors import DatasetError, DiskFull
from vision_assets.vision.formats.look import look
from vision_assets.vision.manifest import SPLITS
from vision_assets.vision.objects import AnnotatedObject, to_text
from vision_assets.vision.spec import ClassSpec
from vision_assets_tests.vision.made_images import MadeImages, pipeline


@pytest.fixture
def made() -> MadeImages:
    made = MadeImages()
    made.add_many(10, "good", line="A")
    made.add_many(5, "spot", line="B")
    made.add(None)
    return made


@pytest.fixture
def version(tmp_path: Path, made: MadeImages) -> DatasetVersion:
    return DatasetVersions(tmp_path / "datasets").create(made, pipeline())


def files(folder: Path) -> dict[str, bytes]:
    """Bytes by `split/class/name`."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.glob("*/*/*")}


def test_exactly_the_images_of_the_splits_are_written(
    version: DatasetVersion, made: MadeImages, tmp_path: Path
) -> None:
    done = export(version, made, tmp_path / "out")
    manifest = version.manifest()
    rows = manifest[manifest["split"].isin(SPLITS)]
    cells = zip(rows["split"], rows["label"], rows["image_id"], strict=True)
    assert files(tmp_path / "out") == {
        f"{split}/{label}/{image_id}.jpg": made.data[image_id] for split, label, image_id in cells
    }
    assert (done.n_images, done.erased) == (15, ())


def test_the_table_names_every_file(
    version: DatasetVersion, made: MadeImages, tmp_path: Path
) -> None:
    export(version, made, tmp_path / "out")
    table = pd.read_csv(tmp_path / "out" / "manifest.csv")
    assert set(table["file"]) == set(files(tmp_path / "out"))
    assert set(table["line"]) == {"A", "B"}


def test_erased_images_are_named_and_left_out(
    version: DatasetVersion, made: MadeImages, tmp_path: Path
) -> None:
    manifest = version.manifest()
    gone = manifest.loc[manifest["split"] == "test", "image_id"].iloc[0]
    made.erase(gone)
    done = export(version, made, tmp_path / "out")
    table = pd.read_csv(tmp_path / "out" / "manifest.csv").set_index("image_id")
    assert (done.n_images, done.erased) == (14, (gone,))
    assert table.loc[gone, "erased"] == "yes"
    assert len(files(tmp_path / "out")) == 14


def test_the_second_time_nothing_is_written(
    version: DatasetVersion, made: MadeImages, tmp_path: Path
) -> None:
    first = export(version, made, tmp_path / "out")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    assert export(version, made, tmp_path / "out") == first
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")} == times


def test_an_empty_folder_is_taken(
    version: DatasetVersion, made: MadeImages, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    assert export(version, made, tmp_path / "out").n_images == len(files(tmp_path / "out"))


def test_a_folder_of_someone_else_is_left_alone(
    version: DatasetVersion, made: MadeImages, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(DatasetError, match="other files"):
        export(version, made, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.txt"]


def test_an_export_of_another_version_is_not_mixed_in(
    version: DatasetVersion, made: MadeImages, tmp_path: Path
) -> None:
    export(version, made, tmp_path / "out")
    made.add()
    second = DatasetVersions(tmp_path / "datasets").create(made, pipeline())
    with pytest.raises(DatasetError, match="name another folder"):
        export(second, made, tmp_path / "out")


def test_an_export_that_lost_a_file_says_so(
    version: DatasetVersion, made: MadeImages, tmp_path: Path
) -> None:
    export(version, made, tmp_path / "out")
    next((tmp_path / "out").glob("train/good/*")).unlink()
    with pytest.raises(DatasetError, match="1 of its files are missing"):
        export(version, made, tmp_path / "out")


class BreaksAfter:
    """A source whose reading fails after n images; counts what it gave."""

    def __init__(self, made: MadeImages, n: int, error: BaseException) -> None:
        self.made, self.n, self.error, self.given = made, n, error, 0
        self.images, self.labels, self.classes = made.images, made.labels, made.classes
        self.erased = made.erased

    def read(self, ids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        for pair in self.made.read(ids):
            if self.given == self.n:
                raise self.error
            self.given += 1
            yield pair


def test_what_was_interrupted_goes_on_where_it_stopped(
    version: DatasetVersion, made: MadeImages, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        export(version, BreaksAfter(made, 6, KeyboardInterrupt()), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    rest = BreaksAfter(made, 100, KeyboardInterrupt())
    export(version, rest, tmp_path / "out")
    assert rest.given == 9
    assert len(files(tmp_path / "out")) == 15


@pytest.mark.parametrize("cause", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_said_and_what_was_written_is_kept(
    version: DatasetVersion, made: MadeImages, tmp_path: Path, cause: int
) -> None:
    full = OSError(cause, os.strerror(cause))
    with pytest.raises(DiskFull, match="free some"):
        export(version, BreaksAfter(made, 6, full), tmp_path / "out")
    assert export(version, made, tmp_path / "out").n_images == 15


@pytest.mark.parametrize("name", ["../up", "a/b", "..", ".hidden", "CON:", "ä ö", "50%", "x."])
def test_class_names_become_safe_folders(
    made: MadeImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    classes = (ClassSpec(id=0, name=name), ClassSpec(id=2, name="spot"))
    monkeypatch.setattr(made, "classes", lambda declared: classes)
    version = DatasetVersions(tmp_path / "other").create(made, pipeline())
    export(version, made, tmp_path / "out")
    assert len(files(tmp_path / "out")) == 15
    assert len({path.name for path in (tmp_path / "out").glob("train/*")}) == 2


@pytest.mark.parametrize("format", ["folders", "coco", "voc", "yolo"])
@pytest.mark.parametrize("name", ["50%", "pit & co", "train", "masks", "a: b, 'c'", "亀裂"])
def test_what_is_exported_is_recognised_with_its_classes(
    made: MadeImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str, name: str
) -> None:
    for image_id, label in made.label_of.items():
        if label == "spot":
            made.objects_of[image_id] = to_text([AnnotatedObject(2, (1, 2, 9, 8))])
    classes = (
        ClassSpec(id=0, name="good"),
        ClassSpec(id=1, name="hole"),
        ClassSpec(id=2, name=name),
    )
    monkeypatch.setattr(made, "classes", lambda declared: classes)
    version = DatasetVersions(tmp_path / "other").create(made, pipeline())
    export(version, made, tmp_path / "out", format)
    found = look(tmp_path / "out")
    assert found.class_ids[name] == 2
    assert found.classes[name] == 5
    assert sum(found.splits.values()) == found.n_images == (15 if format == "folders" else 5)


def test_erased_images_of_an_export_are_no_rows_of_its_table(
    version: DatasetVersion, made: MadeImages, tmp_path: Path
) -> None:
    made.erase(version.manifest()["image_id"].iloc[0])
    export(version, made, tmp_path / "out")
    assert look(tmp_path / "out").classes == {"good": 9, "spot": 5}


def test_a_name_that_the_format_has_no_place_for_is_refused(
    made: MadeImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    classes = (ClassSpec(id=0, name="#1"), ClassSpec(id=2, name="spot"))
    monkeypatch.setattr(made, "classes", lambda declared: classes)
    version = DatasetVersions(tmp_path / "other").create(made, pipeline())
    with pytest.raises(DatasetError, match="export coco or yolo"):
        export(version, made, tmp_path / "out", "voc")
    assert not (tmp_path / "out").exists()


@pytest.fixture
def of_objects(tmp_path: Path) -> tuple[DatasetVersion, MadeImages]:
    """Ten images with an object, five without any, one that has a label alone."""
    made = MadeImages()
    for n in range(10):
        made.add("spot", [AnnotatedObject(2, (n, 4, n + 8, 12))])
    for _ in range(5):
        made.add("good", [])
    made.add("good")
    return DatasetVersions(tmp_path / "datasets").create(made, pipeline()), made


@pytest.mark.parametrize(
    ("format", "annotations"),
    [("coco", "annotations/*.json"), ("voc", "Annotations/*.xml"), ("yolo", "labels/*/*.txt")],
)
def test_objects_are_written_as_the_format_has_them(
    of_objects: tuple[DatasetVersion, MadeImages], tmp_path: Path, format: str, annotations: str
) -> None:
    version, made = of_objects
    done = export(version, made, tmp_path / "out", format)
    written = [path.read_bytes() for path in (tmp_path / "out").rglob("*.jpg")]
    assert sorted(written) == sorted(made.data[key] for key in made.objects_of)
    assert len(list((tmp_path / "out").glob(annotations))) == (3 if format == "coco" else 15)
    assert (done.n_images, done.without_objects, done.losses) == (15, 1, ())
    assert export(version, made, tmp_path / "out", format) == done


def test_a_folder_of_another_format_is_not_mixed_in(
    of_objects: tuple[DatasetVersion, MadeImages], tmp_path: Path
) -> None:
    export(*of_objects, tmp_path / "out", "coco")
    with pytest.raises(DatasetError, match="as coco"):
        export(*of_objects, tmp_path / "out", "voc")


def test_labels_alone_are_no_objects(
    version: DatasetVersion, made: MadeImages, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match="export `folders`"):
        export(version, made, tmp_path / "out", "coco")


def test_annotations_of_erased_images_are_left_out(
    of_objects: tuple[DatasetVersion, MadeImages], tmp_path: Path
) -> None:
    version, made = of_objects
    manifest = version.manifest()
    made.erase(manifest.loc[manifest["split"] == "train", "image_id"].iloc[0])
    assert export(version, made, tmp_path / "out", "voc").n_images == 14
    assert len(list((tmp_path / "out" / "Annotations").iterdir())) == 14
