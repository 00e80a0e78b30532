"""A model of each task proposes what that task learns from."""

from pathlib import Path

import pytest

from vision_assets.vision.auto_annotation import propose
from vision_assets.vision.export import export
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.objects import AnnotatedObject, from_text
from vision_assets.vision.spec import PipelineSpec
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.proposals import open_proposals, settle_proposals
from vision_assets.vision.tasks.anomaly.spec import AnomalySpec
from vision_assets.vision.tasks.detection.spec import DetectionSpec
from vision_assets.vision.tasks.registry import load_task
from vision_assets.vision.tasks.segmentation.spec import SegmentationSpec
from vision_assets.vision.training.fit import fit
from vision_assets_tests.drawing import draw_jpeg, draw_mask
from vision_assets_tests.vision.dataset.drawn_dataset import DATASET, DrawnDataset
from vision_assets_tests.vision.store.conftest import Take

pytestmark = pytest.mark.slow

SPECS = {"detection": DetectionSpec, "segmentation": SegmentationSpec, "anomaly": AnomalySpec}
SEEDS = range(50, 54)
FOUND_IOU = 0.3


@pytest.fixture(scope="module")
def learn(drawn: DrawnDataset, tmp_path_factory: pytest.TempPathFactory):
    """Bundles by task, each of a short training on drawn images."""
    made: dict[str, Bundle] = {}

    def run(name: str) -> Bundle:
        if name not in made:
            root, task = tmp_path_factory.mktemp(name), load_task(name)
            said = {"image_size_px": 32, "batch_size": 16, "epochs": 8}
            recipe = task.recipe_type.model_validate(said)
            rows, read, classes = drawn.manifest, drawn.read, drawn.classes
            model = fit(task, rows, read, recipe, classes, root, DATASET, threads=1)
            made[name] = export(task, model, root / "bundles", "drawn")
        return made[name]

    return run


@pytest.fixture
def name() -> str:
    return "detection"


@pytest.fixture
def spec(name: str, landing: Path, drawn: DrawnDataset) -> PipelineSpec:
    """Labelled by folder, with the classes that the bundles know."""
    source = {"landing": str(landing), "settle_s": 0}
    spec = SPECS[name].model_validate({"source": source})
    return spec.model_copy(update={"classes": drawn.classes})


@pytest.fixture
def taken(take: Take) -> dict[str, int]:
    """Seeds of drawn spots by image; half of them have a label, none a list of objects."""
    files = {f"{'spot/' * (n % 2)}{n}.jpg": draw_jpeg(n, "spot") for n in SEEDS}
    outcomes = take(files)
    return {str(outcomes[path].image_id): int(Path(path).stem) for path in files}


def is_found(objects: str, seed: int) -> bool:
    """Whether an object lies on the drawn spot."""
    rows, columns = draw_mask(seed, "spot").nonzero()
    truth = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    return any(iou(each, truth) > FOUND_IOU for each in from_text(objects))


def iou(each: AnnotatedObject, other: tuple[float, ...]) -> float:
    left, top, right, bottom = each.box
    width = min(right, other[2]) - max(left, other[0])
    height = min(bottom, other[3]) - max(top, other[1])
    shared = max(0.0, width) * max(0.0, height)
    return shared / (each.area + (other[2] - other[0]) * (other[3] - other[1]) - shared)


@pytest.mark.parametrize("name", ["detection", "segmentation"])
def test_objects_are_proposed_for_images_without_a_list_of_them(
    name: str, learn, spec: PipelineSpec, store: ImageStore, taken: dict[str, int]
) -> None:
    made, found = propose(store, learn(name), spec), open_proposals(store)
    assert (made.proposed, made.waiting, made.refused) == (len(SEEDS), 0, ())
    assert set(found["image_id"]) == set(taken)
    assert set(found["kind"]) == {"objects"}
    pairs = zip(found["image_id"], found["objects"], strict=True)
    on_spot = [is_found(objects, taken[image_id]) for image_id, objects in pairs]
    assert sum(on_spot) >= len(SEEDS) - 1


def test_what_is_accepted_is_the_list_of_objects_of_the_image(
    learn, spec: PipelineSpec, store: ImageStore, taken: dict[str, int]
) -> None:
    assert propose(store, learn("detection"), spec, limit=2).waiting == len(SEEDS) - 2
    found = open_proposals(store).set_index("image_id")
    settle_proposals(store, found["proposal_id"].tolist(), True, "someone")
    labels = store.labels().set_index("image_id").loc[found.index]
    assert labels["objects"].tolist() == found["objects"].tolist()
    assert propose(store, learn("detection"), spec).proposed == len(SEEDS) - 2
    assert len(open_proposals(store)) == len(SEEDS) - 2


def test_objects_of_segmentation_have_their_pixels(
    learn, store: ImageStore, landing: Path, drawn: DrawnDataset, taken: dict[str, int]
) -> None:
    source = {"landing": str(landing), "settle_s": 0}
    spec = SegmentationSpec.model_validate({"source": source})
    propose(store, learn("segmentation"), spec.model_copy(update={"classes": drawn.classes}))
    objects = [each for text in open_proposals(store)["objects"] for each in from_text(text)]
    assert objects
    assert all(each.pixels(32, 32).any() for each in objects)


@pytest.mark.parametrize("name", ["anomaly"])
def test_a_model_of_normals_proposes_that_images_are_normal_and_nothing_else(
    learn, spec: PipelineSpec, store: ImageStore, take: Take
) -> None:
    take({f"{label}{n}.jpg": draw_jpeg(n, label) for n in SEEDS for label in ("good", "spot")})
    made, found = propose(store, learn("anomaly"), spec), open_proposals(store)
    assert set(found["label"]) == {"good"}
    assert set(found["kind"]) == {"label"}
    assert made.proposed == len(found) > 0
    assert made.proposed + made.unsure == 2 * len(SEEDS)
    assert sum(found["source"].str.startswith("good")) > len(found) / 2
