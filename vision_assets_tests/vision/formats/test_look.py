"""What `look` finds in drawn folders and in the real data sets."""

import os
import shutil
from pathlib import Path

import pytest
import yaml

from vision_assets.vision.errors import LandingUnreadable, SpecError
from vision_assets.vision.formats.look import look
from vision_assets.vision.formats.task_proposal import propose_task
from vision_assets.vision.formats.use_case_yaml import write_yaml
from vision_assets.vision.samples.write import PATTERN, write_samples
from vision_assets.vision.tasks.classification.spec import ClassificationSpec
from vision_assets_tests.drawing import draw_jpeg


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    return write_samples(tmp_path_factory.mktemp("samples"), 40, seed=0)


@pytest.fixture
def place(tmp_path):
    """Draws a JPEG at a path below the folder."""

    def draw(path: str, seed: int = 0) -> Path:
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(draw_jpeg(seed))
        return tmp_path

    return draw


def test_drawn_samples_give_their_own_pattern(samples):
    findings = look(samples.folder)
    assert findings.layout.pattern == PATTERN
    assert set(findings.attributes) == {"line", "camera", "lot", "part"}
    assert findings.n_images == samples.n_files


def test_broken_files_are_found_with_their_reason(samples):
    broken = {entry.path: entry.reason for entry in look(samples.folder).broken}
    assert broken.keys() == set(samples.broken)
    assert set(broken.values()) == {"truncated", "empty", "not_an_image"}


def test_files_of_the_same_bytes_are_found(samples):
    known = {frozenset(pair) for pair in (*samples.duplicates, *samples.conflicts)}
    assert {frozenset(paths) for paths in look(samples.folder).duplicates} == known


def test_folders_of_classes(draw_folder):
    findings = look(draw_folder(3))
    assert findings.layout.label == "folder"
    assert set(findings.classes.values()) == {3}


def test_folders_of_splits_and_classes(place):
    for split in ("train", "valid", "test"):
        for label in ("good", "bad"):
            folder = place(f"{split}/{label}/a.jpg")
    findings = look(folder)
    assert findings.classes == {"bad": 3, "good": 3}
    assert findings.splits == {"test": 2, "train": 2, "val": 2}


def test_folders_of_splits_with_labels_in_the_names(place):
    for index in range(4):
        for split in ("train", "test"):
            place(f"{split}/good_{index}.jpg")
            folder = place(f"{split}/bad_{index}.jpg")
    findings = look(folder)
    assert findings.classes == {"bad": 8, "good": 8}
    assert findings.splits == {"test": 8, "train": 8}


def test_class_names_may_hold_underscores_and_dashes(place):
    for index in range(3):
        for label in ("rolled-in_scale", "pitted_surface", "crazing"):
            folder = place(f"{label}_{index}.jpg")
    assert look(folder).classes == {"crazing": 3, "pitted_surface": 3, "rolled-in_scale": 3}


def test_a_table_of_labels(place):
    place("images/1.jpg")
    folder = place("images/2.jpg")
    (folder / "labels.csv").write_text(
        "file,label,line\nimages/1.jpg,good,L1\nimages/2.jpg,bad,L2\n"
    )
    findings = look(folder)
    assert findings.layout.csv == "labels.csv"
    assert findings.classes == {"bad": 1, "good": 1}
    assert findings.attributes == {"line": 2}
    assert findings.ignore == ()


def test_names_that_tell_nothing_are_unlabelled(place):
    for index in range(6):
        folder = place(f"IMG_{index:04d}.jpg", seed=index)
    findings = look(folder)
    assert findings.layout.label == "none"
    assert findings.unlabelled == 6


def test_masks_beside_images_are_no_images(place):
    for label in ("a", "b"):
        for index in range(2):
            folder = place(f"{label}/{index}.jpg")
            shutil.copy(folder / f"{label}/{index}.jpg", folder / f"{label}/{index}.png")
    findings = look(folder)
    assert (findings.n_images, len(findings.masks)) == (4, 4)
    assert (findings.layout.label, findings.ignore) == ("masks", ())


def test_folders_of_masks_and_other_files_are_ignored_by_glob(place):
    for index in range(2):
        for label in ("a", "b"):
            place(f"images/{label}/{index}.jpg")
    folder = place("masks/0.jpg")
    (folder / "README").write_text("about")
    findings = look(folder)
    assert findings.classes == {"a": 2, "b": 2}
    assert findings.ignore == ("README", "masks/*")


def test_a_large_folder_is_sampled_and_says_so(draw_folder):
    findings = look(draw_folder(10), max_decoded=6)
    assert findings.n_decoded == 6 < findings.n_images
    assert not findings.truncated
    assert look(findings.folder, max_files=5).truncated


def test_an_empty_folder_has_nothing(tmp_path):
    findings = look(tmp_path)
    assert (findings.n_images, findings.layout.label) == (0, "none")


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(LandingUnreadable, match="check the path"):
        look(tmp_path / "nowhere")


def test_files_that_cannot_be_read_are_broken(place, tmp_path_factory):
    folder = place("good.jpg")
    outside = tmp_path_factory.mktemp("outside") / "secret.jpg"
    outside.write_bytes(draw_jpeg(0))
    os.mkfifo(folder / "pipe.jpg")
    (folder / "gone.jpg").symlink_to(folder / "nowhere")
    (folder / "link.jpg").symlink_to(outside)
    findings = look(folder)
    assert {each.path: each.reason for each in findings.broken} == dict.fromkeys(
        ("gone.jpg", "link.jpg", "pipe.jpg"), "unreadable"
    )
    assert findings.duplicates == ()


def test_a_file_that_is_too_large_is_not_read_whole(place):
    with (place("good.jpg") / "huge.jpg").open("wb") as file:
        file.truncate(1 << 40)
    (broken,) = look(Path(file.name).parent).broken
    assert (broken.path, broken.reason) == ("huge.jpg", "too_many_bytes")


@pytest.mark.parametrize("name", ["a.json", "a.xml", "data.yaml", "a.txt", "a.csv", "masks/a.png"])
def test_a_pipe_beside_images_is_not_waited_for(place, name: str):
    folder = place("a.jpg")
    (folder / name).parent.mkdir(exist_ok=True)
    os.mkfifo(folder / name)
    assert look(folder).n_images == 1


def test_the_yaml_says_what_was_found(samples, tmp_path):
    path = write_yaml(look(samples.folder), "steel", tmp_path)
    said = yaml.safe_load(path.read_text())
    spec = ClassificationSpec.model_validate(said["attributes"])
    assert path == tmp_path / "steel" / "defs.yaml"
    assert spec.source.pattern == PATTERN
    assert [entry.name for entry in spec.classes] == ["crack", "ok", "pit", "scratch", "stain"]
    assert spec.splits.group_by == ("part",)


def test_the_yaml_is_never_overwritten(samples, tmp_path):
    findings = look(samples.folder)
    before = write_yaml(findings, "steel", tmp_path).read_text()
    with pytest.raises(SpecError, match="not overwritten"):
        write_yaml(findings, "steel", tmp_path)
    assert (tmp_path / "steel" / "defs.yaml").read_text() == before


@pytest.mark.parametrize("name", ["Steel", "my steel", "../steel", "1steel", ""])
def test_a_name_that_is_none_is_refused(samples, tmp_path, name):
    with pytest.raises(SpecError, match="lower case"):
        write_yaml(look(samples.folder, max_decoded=1), name, tmp_path)


@pytest.mark.parametrize("label", ["yes", "it's", "a: b", "1", "ä, ö", "# x"])
def test_odd_class_names_survive_the_yaml(place, tmp_path, label):
    place(f"in/{label}/1.jpg")
    place(f"in/{label}/2.jpg")
    place("in/plain/1.jpg")
    place("in/plain/2.jpg")
    path = write_yaml(look(tmp_path / "in"), "odd", tmp_path / "defs")
    spec = ClassificationSpec.model_validate(yaml.safe_load(path.read_text())["attributes"])
    assert {entry.name for entry in spec.classes} == {label, "plain"}


@pytest.mark.real_data
def test_neu_steel_has_six_classes_in_its_names(real_data):
    findings = look(real_data / "neu-steel" / "images")
    assert findings.layout.label == "pattern"
    assert findings.classes.keys() >= {"rolled-in_scale", "pitted_surface"}
    assert list(findings.classes.values()) == [300] * 6
    assert findings.duplicates == (("patches_101.jpg", "patches_105.jpg"),)


@pytest.mark.real_data
def test_neu_steel_has_boxes_and_classes_in_its_names(real_data):
    findings = look(real_data / "neu-steel", max_decoded=10)
    assert findings.layout.label == "voc"
    assert findings.objects.objects["inclusion"] == 1011
    assert propose_task(findings).task == "detection"


@pytest.mark.real_data
def test_magnetic_tile_has_six_classes_and_its_masks_are_no_images(real_data):
    findings = look(real_data / "magnetic-tile", max_decoded=10)
    assert findings.layout.label == "masks"
    assert findings.classes["Free"] == 952
    assert findings.attributes == {"exposure": 7}
    assert (findings.n_images, len(findings.masks), findings.unlabelled) == (1344, 1344, 0)
    assert findings.objects.n_faults == {"no_object": 4}
    assert propose_task(findings).task == "segmentation"


@pytest.mark.real_data
def test_blood_smears_have_boxes_two_of_them_broken(real_data):
    findings = look(real_data / "bccd", max_decoded=10)
    assert (findings.layout.label, findings.n_images) == ("voc", 364)
    assert findings.objects.objects == {"RBC": 4155, "WBC": 372, "Platelets": 361}
    assert findings.splits == {"train": 205, "val": 87, "test": 72}
    broken = [fault.split(",")[0] for fault in findings.objects.faults]
    assert broken == ["Annotations/BloodImage_00338.xml", "Annotations/BloodImage_00343.xml"]
    assert findings.ignore == ("LICENSE",)
    assert propose_task(findings).task == "detection"
