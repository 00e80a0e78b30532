"""Names, order and ids of classes come back, whatever they are, or are refused when written.

Read by what `init` and ingest use: `look`, and the labeller of the source that it finds.
"""

import tempfile
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vision_assets.vision.errors import DatasetError
from vision_assets.vision.formats.folder_names import from_folder, to_folder
from vision_assets.vision.formats.labels import Labelled, labeller
from vision_assets.vision.formats.look import Findings, look
from vision_assets.vision.formats.writing.annotations import AnnotatedImage, Annotations
from vision_assets.vision.formats.writing.writers import WRITERS, check_names, writer
from vision_assets.vision.objects import AnnotatedObject
from vision_assets.vision.spec import ClassSpec, SourceSpec
from vision_assets_tests.drawing import draw_jpeg

ODD = (
    *("pit & co", "<b>", "a:b:c:::", "#1", "background", "50%", "%41", "100%AB", "yes", "1", "~"),
    *(
        "train",
        "Valid",
        "masks",
        "a/b",
        "..",
        ".x",
        "x.",
        "a\nb",
        "a\tb",
        "\u200d",
        "\ufeff",
        "'\"",
    ),
    *(
        "good boy",
        "größe",
        "亀裂",
        "\U0001f529",
        "\x00",
        "a\u2028b",
        "\u00a0|",
        "- a",
        "a #b",
        "&amp;",
    ),
)
ANY = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
PLAIN = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1)
NAMES = st.one_of(st.sampled_from(ODD), ANY)
IMAGES = {f"part{n}.jpg": draw_jpeg(n, side_px=16) for n in range(3)}


@st.composite
def named(draw: st.DrawFn, format: str) -> Annotations:
    """Classes of any names that the format has a place for, any ids and any order."""
    names = draw(st.lists(NAMES.filter(lambda name: has_place(name, format)), max_size=5))
    names = list(dict.fromkeys([*names, *draw(st.permutations(["spot", "Hole"]))]))
    ids = draw(st.lists(st.integers(0, 10**6), min_size=len(names), max_size=9, unique=True))
    classes = tuple(ClassSpec(id=n, name=name) for n, name in zip(ids, names, strict=False))
    labels = draw(st.lists(st.sampled_from(classes), min_size=3, max_size=3))
    images = [
        AnnotatedImage(name, 16, 16, 1, split, said.name, (AnnotatedObject(said.id, (1, 2, 9, 8)),))
        for name, split, said in zip(IMAGES, ("train", "val", "test"), labels, strict=True)
    ]
    return Annotations(images, classes)


def has_place(name: str, format: str) -> bool:
    try:
        check_names(format, [ClassSpec(id=0, name=name)])
    except DatasetError:
        return False
    return True


def write(said: Annotations, format: str, folder: Path) -> None:
    files = {writer(format).picture_file(image): IMAGES[image.name] for image in said.images}
    for path, pieces in writer(format).annotation_files(said):
        files[path] = "".join(pieces).encode()
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


def names_of(labelled: Labelled) -> list[str]:
    assert labelled.said is not None
    assert labelled.said.objects is not None
    return [each.label for each in labelled.said.objects]


def read_again(said: Annotations, format: str) -> Findings:
    """What is found in a folder of them; each image has its object and its split."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write(said, format, folder)
        findings = look(folder)
        label = labeller(findings.layout.source(place), folder)
        for image in said.images:
            found = label(writer(format).picture_file(image))
            assert (names_of(found), found.given_split) == ([image.label], image.split)
        return findings


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_coco_gives_names_order_and_ids_back(data: st.DataObject) -> None:
    said = data.draw(named("coco"))
    ids = read_again(said, "coco").class_ids
    assert list(ids.items()) == [(entry.name, entry.id) for entry in said.classes]


@pytest.mark.parametrize("format", ["voc", "yolo"])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_names_and_order_come_back(format: str, data: st.DataObject) -> None:
    said = data.draw(named(format))
    ids = read_again(said, format).class_ids
    assert list(ids.items()) == [(entry.name, at) for at, entry in enumerate(said.classes)]
    assert any("ids of" in text for text in writer(format).losses(said)) == bool(said.n_renumbered)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_class_folders_give_names_and_splits_back(data: st.DataObject) -> None:
    said = data.draw(named("folders"))
    pattern = r"(?P<split>\w+)/(?P<label>[^/]+)/part\d\.jpg"
    for source in ({"label": "folder"}, {"label": "pattern", "pattern": pattern}):
        label = labeller(SourceSpec.model_validate({"landing": "x"} | source), Path())
        for image in said.images:
            found = label(writer("folders").picture_file(image))
            assert (found.label, found.given_split) == (image.label, image.split)


@given(name=NAMES)
def test_coco_and_yolo_have_a_place_for_every_name_without_blanks_around(name: str) -> None:
    is_read_so = name == unicodedata.normalize("NFC", name.strip())
    assert has_place(name, "coco") == has_place(name, "yolo") == is_read_so


@given(name=PLAIN.map(lambda name: unicodedata.normalize("NFC", name)))
def test_plain_names_are_refused_by_no_format(name: str) -> None:
    is_special = name.startswith("#") or name == "background" or len(to_folder(name)) > 60
    assert is_special or all(has_place(name, format) for format in WRITERS)


@pytest.mark.parametrize(
    ("format", "name", "message"),
    [
        ("voc", "#1", "'#1': in the label map it would be a comment; export coco or yolo or"),
        ("voc", "background", "calls so what is no object"),
        ("voc", "a\nb", "a class a line; export coco or yolo or folders"),
        ("voc", "a\x00", "no control characters"),
        ("folders", "x" * 256, "more than 255 bytes; export coco or voc or yolo"),
        ("coco", " spot", "without blanks around them.*rename the class"),
        ("yolo", "e\u0301", "composed form.*rename the class"),
    ],
)
def test_what_a_format_has_no_place_for_is_refused(format: str, name: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        check_names(format, [ClassSpec(id=0, name=name)])


@pytest.mark.parametrize(
    ("name", "folder"), [("50%", "50%25"), ("train", "%74rain"), ("a/b", "a%2Fb"), ("..", "%2E%2E")]
)
def test_what_a_path_cannot_hold_is_escaped(name: str, folder: str) -> None:
    assert (to_folder(name), from_folder(folder)) == (folder, name)


@pytest.mark.parametrize("folder", ["100%AB", "50%", "a%20b", "%zz", "spot"])
def test_folders_that_no_export_wrote_keep_their_names(folder: str) -> None:
    assert from_folder(folder) == folder
