import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from vision_assets.vision.formats.look import Findings, look
from vision_assets.vision.formats.task_proposal import propose_task
from vision_assets.vision.formats.use_case_yaml import yaml_text
from vision_assets.vision.formats.writing.annotations import AnnotatedImage, Annotations
from vision_assets.vision.formats.writing.writers import writer
from vision_assets.vision.objects import AnnotatedObject
from vision_assets.vision.spec import ClassSpec
from vision_assets_tests.drawing import draw_jpeg, draw_mask, draw_pixels

CLASSES = (
    ClassSpec(id=0, name="spot"),
    ClassSpec(id=1, name="never"),
    ClassSpec(id=2, name="hole"),
)
BOX, OTHER = AnnotatedObject(0, (2, 4, 10, 8)), AnnotatedObject(2, (12, 4, 30, 30))
TRIANGLE = AnnotatedObject(0, (2, 4, 10, 8), polygons=((2, 4, 10, 4, 10, 8),))


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Writes six images, three of them with the objects, and what is said of them."""

    def write(format: str, *objects: AnnotatedObject) -> Path:
        images = [
            AnnotatedImage(
                f"part{n}.jpg", 32, 32, 1, "test" if n == 5 else "train", None, objects * (n % 2)
            )
            for n in range(6)
        ]
        for n, image in enumerate(images):
            save(tmp_path / writer(format).picture_file(image), draw_jpeg(n))
        for path, pieces in writer(format).annotation_files(Annotations(images, CLASSES)):
            save(tmp_path / path, "".join(pieces).encode())
        return tmp_path

    return write


def save(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def png(mask: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(mask).save(buffer, "PNG")
    return buffer.getvalue()


def classes_in_yaml(findings: Findings) -> list[dict]:
    return yaml.safe_load(yaml_text(findings, "landing"))["attributes"]["classes"]


@pytest.mark.parametrize("format", ["coco", "voc", "yolo"])
def test_what_an_export_writes_is_recognised(written: Callable[..., Path], format: str) -> None:
    findings = look(written(format, BOX, OTHER))
    assert findings.layout.label == format
    assert findings.objects is not None
    assert findings.objects.objects == {"spot": 3, "hole": 3}
    assert (findings.objects.n_annotated, findings.objects.n_empty) == (6, 3)
    assert findings.splits == {"test": 1, "train": 5}
    assert findings.ignore == ()
    assert propose_task(findings).task == "detection"


@pytest.mark.parametrize("format", ["coco", "voc", "yolo"])
def test_classes_keep_their_order_and_numbers(written: Callable[..., Path], format: str) -> None:
    found = classes_in_yaml(look(written(format, BOX)))
    assert found == [{"id": entry.id, "name": entry.name} for entry in CLASSES]


@pytest.mark.parametrize("format", ["coco", "yolo"])
def test_outlines_of_all_objects_propose_segmentation(
    written: Callable[..., Path], format: str
) -> None:
    assert propose_task(look(written(format, TRIANGLE))).task == "segmentation"


def test_broken_annotations_are_named_with_file_and_object(written: Callable[..., Path]) -> None:
    folder = written("voc", BOX)
    file = folder / "Annotations" / "part1.xml"
    file.write_text(file.read_text().replace("<xmax>10", "<xmax>2"))
    (folder / "Annotations" / "part3.xml").write_text("<annotation><object>")
    objects = look(folder).objects
    assert objects is not None
    assert objects.n_faults == {"no_area": 1, "damaged": 1}
    assert objects.faults[0].startswith("Annotations/part1.xml, object 1: no_area")


def test_one_json_among_others_is_named(written: Callable[..., Path]) -> None:
    folder = written("coco", BOX)
    (folder / "settings.json").write_text('{"exposure": 3}')
    findings = look(folder)
    assert findings.layout.annotations == "annotations/*.json"


@pytest.mark.parametrize(
    ("one", "other", "glob"),
    [
        (
            "train/_annotations.coco.json",
            "valid/_annotations.coco.json",
            "**/_annotations.coco.json",
        ),
        ("train/a.coco.json", "valid/b.coco.json", "**/*.coco.json"),
        ("train/instances_1.json", "valid/instances_2.json", "**/instances_*.json"),
        ("train/a.json", "valid/z.json", None),
        ("a[1].json", "a[2].json", "./a[[]*.json"),
    ],
)
def test_several_json_beside_another_one_are_all_read(
    tmp_path: Path, one: str, other: str, glob: str | None
) -> None:
    for n, (file, split) in enumerate([(one, "train"), (other, "valid")]):
        image = {"id": n, "file_name": f"{n}.jpg", "width": 32, "height": 32}
        said = {"id": n, "image_id": n, "category_id": 4, "bbox": [1, 2, 4, 5]}
        lists = {
            "images": [image],
            "annotations": [said],
            "categories": [{"id": 4, "name": "spot"}],
        }
        save(tmp_path / split / f"{n}.jpg", draw_jpeg(n))
        save(tmp_path / file, json.dumps(lists).encode())
    save(tmp_path / "train" / "settings.json", b'{"exposure": 3}')
    save(tmp_path / "a_camera.json", b"[1, 2]")
    findings = look(tmp_path)
    assert findings.layout.annotations == glob
    assert (findings.class_ids, findings.unlabelled) == ({"spot": 4}, 0)
    assert findings.objects is not None
    assert (findings.objects.objects, findings.objects.n_faults) == ({"spot": 2}, {})


def test_other_texts_and_xml_are_no_annotations(tmp_path: Path) -> None:
    for n in range(4):
        save(tmp_path / f"part{n}.jpg", draw_jpeg(n))
        save(tmp_path / f"part{n}.txt", b"taken on a rainy day\n")
        save(tmp_path / f"part{n}.xml", b"<settings/>")
    assert look(tmp_path).layout.label == "none"


@pytest.mark.parametrize("suffix", ["", "_mask"])
def test_masks_of_classes_in_folders(tmp_path: Path, suffix: str) -> None:
    for n in range(4):
        for label in ("good", "spot"):
            save(tmp_path / "images" / label / f"{n}.jpg", draw_jpeg(n, label))
            mask = draw_mask(n, label).astype(np.uint8) * 255
            save(tmp_path / "masks" / label / f"{n}{suffix}.png", png(mask))
    findings = look(tmp_path)
    assert findings.layout.label == "masks"
    assert findings.objects is not None
    assert findings.objects.objects == {"spot": 4}
    assert findings.classes == {"good": 4, "spot": 4}
    assert propose_task(findings).task == "segmentation"


def test_images_and_masks_may_have_one_extension(tmp_path: Path) -> None:
    for n in range(4):
        for label in ("good", "spot"):
            save(tmp_path / "images" / label / f"{n}.png", png(draw_pixels(n, label)))
            mask = draw_mask(n, label).astype(np.uint8) * 255
            save(tmp_path / "masks" / label / f"{n}.png", png(mask))
    findings = look(tmp_path)
    assert (findings.layout.label, findings.layout.masks) == ("masks", {})
    assert findings.classes == {"good": 4, "spot": 4}


def test_masks_of_indices_name_their_values(tmp_path: Path) -> None:
    for n in range(4):
        save(tmp_path / "images" / f"{n}.jpg", draw_jpeg(n, "spot"))
        save(tmp_path / "masks" / f"{n}.png", png(draw_mask(n, "spot").astype(np.uint8) * 3))
    findings = look(tmp_path)
    assert findings.layout.masks["classes"] == {"3": "class_3"}
    assert findings.classes == {"class_3": 4}


def test_the_layout_of_mvtec_proposes_anomaly(tmp_path: Path) -> None:
    for n in range(4):
        save(tmp_path / "train" / "good" / f"{n}.jpg", draw_jpeg(n))
        save(tmp_path / "test" / "good" / f"{n}.jpg", draw_jpeg(9 + n))
        save(tmp_path / "test" / "spot" / f"{n}.jpg", draw_jpeg(n, "spot"))
        mask = draw_mask(n, "spot").astype(np.uint8) * 255
        save(tmp_path / "ground_truth" / "spot" / f"{n}_mask.png", png(mask))
    findings = look(tmp_path)
    assert (findings.layout.label, findings.n_images) == ("mvtec", 12)
    assert findings.splits == {"test": 8, "train": 4}
    assert propose_task(findings).task == "anomaly"


def test_normals_alone_propose_anomaly(tmp_path: Path) -> None:
    for n in range(4):
        save(tmp_path / f"ok_{n}.jpg", draw_jpeg(n))
        save(tmp_path / f"good_{n}.jpg", draw_jpeg(n + 9))
    assert propose_task(look(tmp_path)).task == "anomaly"


def test_classes_alone_propose_classification(tmp_path: Path) -> None:
    for n in range(4):
        save(tmp_path / f"ok_{n}.jpg", draw_jpeg(n))
        save(tmp_path / f"spot_{n}.jpg", draw_jpeg(n + 9))
    assert propose_task(look(tmp_path)).task == "classification"
