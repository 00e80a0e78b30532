"""Workers that read annotation files, to the numbers of every box: ours and others' readers.

neu-steel's 1,800 XML files, and one COCO file of 18,000 images that says the same of each ten
times. Others' readers are given what they need of pictures; ours reads the annotations alone.
"""

import contextlib
import io
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.pictures import real_images
from benchmarks.work import Figures
from vision_assets.vision.atomic import write_text
from vision_assets.vision.formats.annotations.open import open_annotations
from vision_assets.vision.formats.writing import coco as coco_writer
from vision_assets.vision.formats.writing.annotations import AnnotatedImage, Annotations
from vision_assets.vision.objects import AnnotatedObject
from vision_assets.vision.spec import ClassSpec, SourceSpec

REPEATS = 10
COCO_FILE = "annotations/instances.json"


def prepare(worker: str, folder: Path, _n: int) -> None:
    """Write the COCO file, once."""
    if worker.startswith("coco") and not (folder / COCO_FILE).exists():
        images, classes = _repeated()
        ((path, pieces),) = coco_writer.annotation_files(Annotations(images, classes))
        assert path == COCO_FILE
        write_text(folder / path, "".join(pieces))


def voc(_folder: Path, _n: int) -> Figures:
    """Ours, of Pascal VOC."""
    landing = _steel()
    paths = [f"images/{path.name}" for path in sorted((landing / "images").iterdir())]
    return _timed(lambda: _read(SourceSpec(landing=str(landing), label="voc"), paths))


def voc_torchvision(_folder: Path, _n: int) -> Figures:
    """The parser of torchvision's VOCDetection, and numbers of its texts."""
    from xml.etree import ElementTree

    from torchvision.datasets import VOCDetection

    def read() -> int:
        n = 0
        for path in sorted((_steel() / "annotations").iterdir()):
            said = VOCDetection.parse_voc_xml(ElementTree.parse(path).getroot())
            n += len([_numbers(each["bndbox"]) for each in said["annotation"]["object"]])
        return n

    return _timed(read)


def voc_supervision(_folder: Path, _n: int) -> Figures:
    """supervision's reader; it decodes every picture for its size."""
    from supervision import DetectionDataset  # pyright: ignore[reportMissingImports]

    folders = str(_steel() / "images"), str(_steel() / "annotations")
    return _timed(lambda: _n_boxes(DetectionDataset.from_pascal_voc(*folders)))


def coco(folder: Path, _n: int) -> Figures:
    """Ours, of COCO: the index on disk is built, then every image asked for."""
    source = SourceSpec(landing=str(folder), label="coco", annotations=COCO_FILE)
    names = [image.name for image in _repeated()[0]]
    return _timed(lambda: _read(source, names))


def coco_supervision(folder: Path, _n: int) -> Figures:
    """supervision's reader."""
    from supervision import DetectionDataset  # pyright: ignore[reportMissingImports]

    said = str(folder / COCO_FILE)
    return _timed(lambda: _n_boxes(DetectionDataset.from_coco(str(folder / "images"), said)))


def _coco_api(module: str, folder: Path, _n: int) -> Figures:
    """The COCO class of a module, then the boxes of every image."""
    from importlib import import_module

    api: Any = import_module(module).COCO

    def read() -> int:
        with contextlib.redirect_stdout(io.StringIO()):
            said = api(str(folder / COCO_FILE))
        ids = said.getImgIds()
        return sum(len(said.loadAnns(said.getAnnIds(imgIds=[each]))) for each in ids)

    return _timed(read)


coco_faster = partial(_coco_api, "faster_coco_eval")
coco_pycocotools = partial(_coco_api, "pycocotools.coco")


def _timed(read: Callable[[], int]) -> Figures:
    began = time.perf_counter()
    n = read()
    return {"objects_per_s": n / (time.perf_counter() - began), "objects": n}


def _read(source: SourceSpec, paths: list[str]) -> int:
    reader = open_annotations(source, Path(source.landing))
    assert reader is not None
    found = (reader.read(path) for path in paths)
    return sum(len(said.objects) for said in found if said is not None and said.objects is not None)


def _n_boxes(dataset: Any) -> int:
    return sum(len(found) for found in dataset.annotations.values())


def _numbers(box: dict[str, str]) -> list[float]:
    return [float(box[edge]) for edge in ("xmin", "ymin", "xmax", "ymax")]


def _repeated() -> tuple[list[AnnotatedImage], tuple[ClassSpec, ...]]:
    """neu-steel's images and boxes, each several times under another name."""
    images = list(_steel_images())
    names = sorted({label for _, labels in images for label in labels})
    repeated = [
        replace(
            image,
            name=f"{turn}_{image.name}",
            objects=tuple(
                AnnotatedObject(names.index(label), each.box)
                for label, each in zip(labels, image.objects, strict=True)
            ),
        )
        for turn in range(REPEATS)
        for image, labels in images
    ]
    return repeated, tuple(ClassSpec(id=n, name=name) for n, name in enumerate(names))


def _steel_images() -> Iterator[tuple[AnnotatedImage, list[str]]]:
    """Every image with its boxes, and the name of each one's class."""
    source = SourceSpec(landing=str(_steel()), label="voc")
    reader = open_annotations(source, _steel())
    assert reader is not None
    for path in sorted((_steel() / "images").iterdir()):
        said = reader.read(f"images/{path.name}")
        assert said is not None
        assert said.objects is not None
        assert said.size is not None
        boxes = tuple(AnnotatedObject(0, each.box) for each in said.objects)
        yield AnnotatedImage(path.name, *said.size, objects=boxes), [o.label for o in said.objects]


def _steel() -> Path:
    return real_images() / "neu-steel"
