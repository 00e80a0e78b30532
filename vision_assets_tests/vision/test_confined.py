"""Paths that came from outside stay below their folder."""

import json
import os
from inspect import signature
from pathlib import Path

import pytest
from pydantic import ValidationError

from vision_assets.home import Home
from vision_assets.vision.confined import Outside, confined, open_below
from vision_assets.vision.errors import BundleError, LandingUnreadable, SpecError, StoreError
from vision_assets.vision.formats.annotations.open import open_annotations
from vision_assets.vision.formats.labels import labeller
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.inference.decode import Limits
from vision_assets.vision.spec import PipelineSpec, SourceSpec
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.landed_file import LandedFile
from vision_assets.vision.store.landing import settled_files
from vision_assets.vision.store.reading import read_files
from vision_assets_tests.drawing import draw_jpeg

SECRET = "not-for-everyone"


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    """A landing folder with an image, beside a folder that is none of its business."""
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing" / "a.jpg").write_bytes(draw_jpeg(0, "good"))
    (tmp_path / "private").mkdir()
    return tmp_path / "landing"


@pytest.fixture
def private(landing: Path) -> Path:
    return landing.parent / "private"


@pytest.mark.parametrize("path", ["../private/x", "a/../../x", "/etc/passwd", "..", "a/.."])
def test_paths_that_go_up_are_refused(landing: Path, path: str) -> None:
    with pytest.raises(Outside, match="expected a path below"):
        confined(landing, path)


def test_links_that_lead_out_are_refused_and_those_inside_followed(
    landing: Path, private: Path
) -> None:
    (landing / "folder").symlink_to(private)
    (landing / "inside.jpg").symlink_to(landing / "a.jpg")
    (landing / "loop").symlink_to(landing / "loop")
    with pytest.raises(Outside, match="a link out of"):
        confined(landing, "folder/x.jpg")
    assert confined(landing, "inside.jpg") == landing / "a.jpg"
    with pytest.raises(OSError, match="symbolic links"):
        confined(landing, "loop").open()


def test_the_folder_itself_is_no_way_out(landing: Path) -> None:
    assert confined(landing, ".") == landing
    with pytest.raises(OSError, match="irectory"):
        os.close(open_below(landing, "nothing"))


def test_nothing_is_left_open_by_a_refusal(landing: Path, private: Path) -> None:
    (private / "x").write_text(SECRET)
    (landing / "link").symlink_to(private / "x")
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(Outside, match="a link out of"):
        open_below(landing, "link")
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_link_to_a_sibling_whose_name_begins_alike_leads_out(landing: Path) -> None:
    twin = landing.with_name("landing2")
    twin.mkdir()
    (landing / "twin").symlink_to(twin)
    with pytest.raises(Outside):
        confined(landing, "twin/x")


@pytest.mark.parametrize("said", ["../x", "landing/../../x", "a/..", "a\0b"])
def test_yaml_names_no_place_above_the_home(said: str) -> None:
    for attributes in (
        {"source": {"landing": said}},
        {"source": {"landing": "x"}, "score": {"folder": said}},
        {"source": {"landing": "x"}, "service": {"api_keys_file": said}},
        {"source": {"landing": "x"}, "recipe": {"weights": f"file:{said}"}},
    ):
        with pytest.raises(ValidationError, match="drop the"):
            PipelineSpec.model_validate(attributes)


@pytest.mark.parametrize("said", [".", "stores/parts", "landing/../models", "dagster", "/"])
def test_the_state_of_the_home_is_no_landing_folder(tmp_path: Path, said: str) -> None:
    with pytest.raises(SpecError, match="landing folder of its own"):
        Home(tmp_path / "home").landing(said)


def test_every_folder_of_the_home_is_state_but_landing(tmp_path: Path) -> None:
    home = Home(tmp_path)
    named = [name for name in vars(Home) if not name.startswith("_")]
    places = [getattr(home, name) for name in named if name not in ("landing", "root")]
    paths = [place("parts") if _takes_a_name(place) else place for place in places]
    folders = [path for path in paths if isinstance(path, Path)]
    assert len(folders) > 12
    for folder in folders:
        with pytest.raises(SpecError, match="landing folder of its own"):
            home.landing(str(folder))


def _takes_a_name(place: object) -> bool:
    return callable(place) and list(signature(place).parameters) == ["use_case"]


def test_a_link_into_the_state_of_the_home_is_no_landing_folder(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.store("parts").mkdir(parents=True)
    (tmp_path / "elsewhere").symlink_to(home.store("parts"))
    with pytest.raises(SpecError, match="landing folder of its own"):
        home.landing(str(tmp_path / "elsewhere"))
    assert home.landing("landing/parts") == home.root / "landing/parts"


def test_links_out_of_the_landing_folder_are_not_listed(landing: Path, private: Path) -> None:
    (private / "b.jpg").write_bytes(draw_jpeg(1, "good"))
    (landing / "file.jpg").symlink_to(private / "b.jpg")
    (landing / "folder").symlink_to(private)
    source = SourceSpec(landing=str(landing), settle_s=0)
    assert {file.path for file in settled_files(landing, source, 2e9 * 2).values()} == {"a.jpg"}


def test_a_folder_that_became_a_link_after_the_listing_is_not_read(
    landing: Path, private: Path
) -> None:
    """The batch names `sub/b.jpg`; then `sub` is replaced by a link to another folder."""
    (private / "b.jpg").write_bytes(draw_jpeg(1, "good"))
    state = (private / "b.jpg").stat()
    (landing / "sub").symlink_to(private)
    listed = LandedFile("sub/b.jpg", state.st_size, state.st_mtime_ns)
    with pytest.raises(StoreError, match="leads out of the landing folder"):
        read_files(landing, [listed], Limits())


def test_a_landing_folder_that_is_itself_a_link_is_read(landing: Path) -> None:
    linked = landing.with_name("share")
    linked.symlink_to(landing)
    state = (landing / "a.jpg").stat()
    (read,) = read_files(linked, [LandedFile("a.jpg", state.st_size, state.st_mtime_ns)], Limits())
    assert read.image_id


ANNOTATIONS = {
    "voc": ("a.xml", f"<annotation><folder>{SECRET}</folder></annotation>"),
    "yolo": ("a.txt", f"0 {SECRET}"),
    "coco": ("a.json", json.dumps({"images": [{"id": 1, "file_name": "a.jpg"}]})),
    "masks": ("masks/a.png", SECRET),
}


@pytest.mark.parametrize("form", ANNOTATIONS)
def test_annotations_behind_a_link_are_told_and_not_read(
    form: str, landing: Path, private: Path
) -> None:
    name, text = ANNOTATIONS[form]
    (private / "secret").write_text(text)
    (landing / name).parent.mkdir(exist_ok=True)
    (landing / name).symlink_to(private / "secret")
    (landing / "classes.txt").write_text("scratch\n")
    image = "a.jpg"
    annotations = "masks" if form == "masks" else None
    source = SourceSpec.model_validate(
        {"landing": str(landing), "label": form, "annotations": annotations}
    )
    reader = open_annotations(source, landing, private / "indices")
    assert reader is not None
    said = reader.read(image)
    assert said is not None
    assert said.objects is None
    assert "a link out of" in said.faults[0].detail
    assert SECRET not in str(said)


@pytest.mark.parametrize("file", ["data.yaml", "classes.txt"])
def test_classes_of_yolo_behind_a_link_are_refused(file: str, landing: Path, private: Path) -> None:
    (private / "secret").write_text(SECRET)
    (landing / file).symlink_to(private / "secret")
    (landing / "a.txt").write_text("0 0.5 0.5 0.1 0.1")
    source = SourceSpec(landing=str(landing), label="yolo")
    reader = open_annotations(source, landing)
    assert reader is not None
    with pytest.raises(SpecError, match="a link out of") as caught:
        reader.read("a.jpg")
    assert SECRET not in str(caught.value)


def test_lists_that_data_yaml_names_stay_below_the_landing_folder(
    landing: Path, private: Path
) -> None:
    (private / "list.txt").write_text("a.jpg\n")
    (landing / "list.txt").symlink_to(private / "list.txt")
    (landing / "data.yaml").write_text("names: [scratch]\ntrain: ../private/list.txt\n")
    (landing / "a.txt").write_text("0 0.5 0.5 0.1 0.1")
    reader = open_annotations(SourceSpec(landing=str(landing), label="yolo"), landing)
    assert reader is not None
    with pytest.raises(SpecError, match=r"cannot be read|a link out of"):
        reader.split_of("a.jpg")


def test_a_table_of_labels_behind_a_link_is_refused(landing: Path, private: Path) -> None:
    (private / "labels.csv").write_text("file,label\na.jpg,good\n")
    (landing / "labels.csv").symlink_to(private / "labels.csv")
    source = SourceSpec(landing=str(landing), label="csv", csv="labels.csv")
    with pytest.raises(SpecError, match="a link out of"):
        labeller(source, landing)


def test_file_names_in_annotations_are_looked_up_and_never_opened(
    landing: Path, private: Path
) -> None:
    """A JSON that names files elsewhere speaks of no image of the landing folder."""
    names = ["../private/secret.jpg", "/etc/passwd", "a.jpg"]
    images = [{"id": n, "file_name": name} for n, name in enumerate(names)]
    (landing / "all.json").write_text(json.dumps({"images": images, "annotations": []}))
    source = SourceSpec(landing=str(landing), label="coco")
    reader = open_annotations(source, landing, private / "indices")
    assert reader is not None
    assert reader.read("a.jpg") is not None
    assert reader.read("secret.jpg") is None


def test_masks_of_mvtec_behind_a_link_are_not_read(landing: Path, private: Path) -> None:
    (landing / "test" / "hole").mkdir(parents=True)
    (landing / "test" / "hole" / "a.png").write_bytes(b"")
    (private / "hole").mkdir()
    (private / "hole" / "a_mask.png").write_text(SECRET)
    (landing / "ground_truth").symlink_to(private)
    reader = open_annotations(SourceSpec(landing=str(landing), label="mvtec"), landing)
    assert reader is not None
    said = reader.read("test/hole/a.png")
    assert said is not None
    assert "a link out of" in said.faults[0].detail


@pytest.mark.parametrize("place", ["taken", "sub"])
def test_nothing_is_moved_or_deleted_behind_a_link(
    place: str, landing: Path, private: Path, tmp_path: Path
) -> None:
    from vision_assets.vision.store.after import apply
    from vision_assets.vision.store.ingest import ingest_all
    from vision_assets.vision.store.landing import sweep

    (landing / "sub").mkdir()
    (landing / "a.jpg").rename(landing / "sub" / "a.jpg")
    spec = PipelineSpec.model_validate(
        {"source": {"landing": str(landing), "settle_s": 0, "label": "none"}}
    )
    store = ImageStore.open(tmp_path / "store")
    batches = sweep(landing, store, spec.source, tmp_path / "batches")
    list(ingest_all(store, batches, landing, spec))
    files = batches[0].files()
    if place == "sub":
        os.rename(landing / "sub" / "a.jpg", private / "a.jpg")
        (landing / "sub").rmdir()
    (landing / place).symlink_to(private)
    moving = spec.source.model_copy(update={"after": "move"})
    with pytest.raises(LandingUnreadable, match="a link out of"):
        apply(store, landing, files, moving)
    assert len(list(landing.parent.rglob("a.jpg"))) >= 1


@pytest.mark.parametrize("name", ["../../secret", "/etc/passwd", "..", "a/b", ""])
def test_a_bundle_names_files_of_its_own_folder_alone(tmp_path: Path, name: str) -> None:
    from vision_assets_tests.serving.bundles import make_bundle

    folder = make_bundle(tmp_path)
    card = json.loads((folder / "card.json").read_text())
    card["files"][name] = "0" * 64
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(BundleError, match="files in the bundle's folder"):
        Bundle.load(folder)


def test_a_batch_is_named_by_digits_alone(tmp_path: Path) -> None:
    from vision_assets.vision.store.landing import read_batch

    for name in ("../../x", "/etc/passwd", "0" * 15 + "/"):
        with pytest.raises(StoreError, match="16 hexadecimal digits"):
            read_batch(tmp_path, name)


@pytest.mark.parametrize("label", ["..", "../../x", "/etc", ".", "a/../../b", "~", "con\x00"])
def test_a_class_is_one_folder_of_an_export(label: str, tmp_path: Path) -> None:
    from vision_assets.vision.formats.writing.annotations import AnnotatedImage
    from vision_assets.vision.formats.writing.folders import picture_file

    path = picture_file(AnnotatedImage("0a.jpg", 8, 8, split="train", label=label))
    assert path.count("/") == 2
    assert confined(tmp_path, path) == tmp_path / path
