"""Drawn images in the layouts of the real data sets: names, annotations, masks, given splits."""

from pathlib import Path

import numpy as np

from vision_assets.vision.formats.writing.annotations import AnnotatedImage
from vision_assets.vision.formats.writing.voc import xml
from vision_assets.vision.objects import AnnotatedObject
from vision_assets_tests.drawing import draw_jpeg, draw_mask, encode

DEFECTS = {0: "scratch", 1: "spot"}
PER_CLASS = 10
SIDE_PX = 32
_SPLITS = ("train", "train", "train", "val", "test")


def draw_folders(root: Path) -> Path:
    """`neu-steel`, `bccd` and `magnetic-tile`, with ten images of each class."""
    for class_id, label in DEFECTS.items():
        for n in range(PER_CLASS):
            _steel(root / "neu-steel", class_id, label, n)
            _smear(root / "bccd", class_id, label, n)
            _tile(root / "magnetic-tile/MT_Scratch/Imgs", label, class_id * PER_CLASS + n)
    for n in range(PER_CLASS, 4 * PER_CLASS):
        _tile(root / "magnetic-tile/MT_Free/Imgs", "good", PER_CLASS + n)
    (root / "bccd/LICENSE").write_text("free")
    return root


def _steel(folder: Path, class_id: int, label: str, n: int) -> None:
    _write(folder / f"images/{label}_{n}.jpg", draw_jpeg(n, label))
    _annotate(folder / f"annotations/{label}_{n}.xml", class_id, label, n)


def _smear(folder: Path, class_id: int, label: str, n: int) -> None:
    stem, seed = f"Image_{class_id}{n}", 100 + n
    _write(folder / f"JPEGImages/{stem}.jpg", draw_jpeg(seed, label))
    _annotate(folder / f"Annotations/{stem}.xml", class_id, label, seed)
    split = folder / f"ImageSets/Main/{_SPLITS[n % len(_SPLITS)]}.txt"
    split.parent.mkdir(parents=True, exist_ok=True)
    with split.open("a") as names:
        names.write(f"{stem}\n")


def _tile(folder: Path, label: str, n: int) -> None:
    mask = draw_mask(n, label).astype(np.uint8) * 255
    _write(folder / f"exp{n % 6 + 1}_num_{n}.jpg", draw_jpeg(n, label))
    _write(folder / f"exp{n % 6 + 1}_num_{n}.png", encode(mask, "PNG"))


def _annotate(path: Path, class_id: int, label: str, seed: int) -> None:
    rows, columns = np.nonzero(draw_mask(seed, label))
    box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    left, top, right, bottom = (float(edge) for edge in box)
    shown = AnnotatedObject(class_id, (left, top, right, bottom))
    image = AnnotatedImage(f"{path.stem}.jpg", SIDE_PX, SIDE_PX, objects=(shown,))
    _write(path, xml(image, DEFECTS).encode())


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
