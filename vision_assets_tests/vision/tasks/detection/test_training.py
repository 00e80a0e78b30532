"""What a detector learns from, and what it says when that is missing."""

from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
import torch

from vision_assets.vision.errors import TrainingError
from vision_assets.vision.evaluation.evaluate import evaluate
from vision_assets.vision.export import export
from vision_assets.vision.inference.bundle import MODEL_FILE, Bundle, write_bundle
from vision_assets.vision.inference.decision import PASS_BELOW, REFUSE_FROM
from vision_assets.vision.inference.golden import check_golden
from vision_assets.vision.inference.predictor import Predictor
from vision_assets.vision.int8 import try_int8
from vision_assets.vision.objects import AnnotatedObject, to_text
from vision_assets.vision.quantize import quantise
from vision_assets.vision.spec import ExportSpec, SourceSpec
from vision_assets.vision.tasks.detection.found_from import least_scores
from vision_assets.vision.tasks.detection.matching import Boxes
from vision_assets.vision.tasks.detection.network import build
from vision_assets.vision.tasks.detection.small import drawn_targets
from vision_assets.vision.tasks.detection.spec import DetectionRecipe, DetectionSpec
from vision_assets.vision.tasks.detection.targets import BoxTargets, ViewObjects, targets_of
from vision_assets.vision.tasks.registry import load_task
from vision_assets.vision.training.fit import fit
from vision_assets.vision.training.trained_model import TrainedModel
from vision_assets_tests.vision.dataset.drawn_dataset import DATASET, DrawnDataset
from vision_assets_tests.vision.tasks.detection.cards import CLASSES

TASK = load_task("detection")
QUICK = DetectionRecipe(image_size_px=32, epochs=1, batch_size=8)


def row(objects: list[AnnotatedObject] | None) -> pd.DataFrame:
    text = None if objects is None else to_text(objects)
    return pd.DataFrame([{"image_id": "abc", "objects": text, "width": 100, "height": 50}])


def test_targets_are_parts_of_the_view_and_positions_in_the_card():
    (view,) = targets_of(row([AnnotatedObject(12, (10, 10, 30, 50))]), CLASSES)
    assert view.boxes.tolist() == [pytest.approx([0.1, 0.2, 0.3, 1.0])]
    assert view.classes.tolist() == [2]


def test_an_image_that_nobody_annotated_is_named():
    with pytest.raises(TrainingError, match=r"list of objects.*1, such as abc"):
        targets_of(row(None), CLASSES)


def test_a_box_of_an_unknown_class_is_named():
    with pytest.raises(TrainingError, match=r"class ids \[99\] on image abc"):
        targets_of(row([AnnotatedObject(99, (0, 0, 1, 1))]), CLASSES)


def test_a_train_split_without_boxes_is_refused(drawn: DrawnDataset, tmp_path):
    empty = drawn.manifest.assign(objects="[]")
    with pytest.raises(TrainingError, match="expected boxes on the images of the train split"):
        fit(TASK, empty, drawn.read, QUICK, drawn.classes, tmp_path, DATASET, threads=1)


def test_a_network_of_another_name_is_refused_with_those_there_are():
    with pytest.raises(TrainingError, match="ssdlite320_mobilenet_v3_large"):
        build("yolo", 3, 32)


def test_a_centre_is_one_where_the_object_is_and_its_box_is_learned_around_it():
    view = ViewObjects(torch.tensor([[0.25, 0.25, 0.75, 0.75]]), torch.tensor([1]))
    drawn = drawn_targets(view, 3, 8, 8)
    assert drawn.centres[1, 4, 4] == 1
    assert drawn.centres[[0, 2]].sum() == 0
    assert drawn.weights[4, 4] == drawn.weights.max()
    assert drawn.boxes[4, 4].tolist() == [0.25, 0.25, 0.75, 0.75]


def test_where_objects_overlap_the_smaller_one_has_the_cells():
    boxes = torch.tensor([[0.4, 0.4, 0.6, 0.6], [0.0, 0.0, 1.0, 1.0]])
    drawn = drawn_targets(ViewObjects(boxes, torch.tensor([0, 0])), 1, 16, 16)
    assert torch.allclose(drawn.boxes[8, 8], boxes[0])


def test_the_loss_of_images_without_objects_is_a_number():
    torch.manual_seed(0)
    network = build("small", 3, 32)
    empty = ViewObjects(torch.empty(0, 4), torch.empty(0, dtype=torch.int64))
    losses = network.losses(network.response(torch.zeros(2, 3, 32, 32)), BoxTargets([empty] * 2))
    assert all(torch.isfinite(value) for value in losses.values())


def test_an_object_is_told_from_the_score_that_divides_right_from_wrong():
    truth = Boxes(np.array([[0, 0, 1, 1]] * 1, float), np.array([0]), np.ones(1))
    noted = [
        (Boxes(np.array([[0, 0, 1, 1], [3, 3, 4, 4]], float), np.zeros(2, int), scores), truth)
        for scores in (np.array([0.9, 0.2]), np.array([0.8, 0.3])) * 10
    ]
    assert 0.3 < least_scores(noted, 2)[0] <= 0.8


@pytest.mark.parametrize(("missed_cost", "faintest"), [(0.5, 0.9), (4, 0.3)])
def test_the_dearer_a_miss_the_fainter_an_object_may_be(missed_cost: float, faintest: float):
    truth = Boxes(np.array([[0, 0, 1, 1]], float), np.array([0]), np.ones(1))
    strong = Boxes(truth.boxes, truth.classes, np.array([0.9]))
    faint = Boxes(truth.boxes, truth.classes, np.array([0.3]))
    wrong = Boxes(truth.boxes + 5, truth.classes, np.array([0.4]))
    chosen = least_scores([(strong, truth), (faint, truth), (wrong, truth)] * 20, missed_cost)
    assert chosen[0] == faintest


def test_of_an_even_number_of_cheap_scores_none_between_two_is_taken():
    """From 0.9 as from 0.3 the cost is 20, from 0.6 it is 30."""
    truth = Boxes(np.array([[0, 0, 1, 1]], float), np.array([0]), np.ones(1))

    def box(score: float, right: bool) -> Boxes:
        return Boxes(truth.boxes + (0 if right else 5), truth.classes, np.array([score]))

    noted = [(box(0.9, True), truth)] * 10 + [(box(0.7, False), truth)] * 10
    noted += [(box(0.3, True), truth)] * 10
    assert least_scores(noted, 1)[0] in (0.9, 0.3)


def test_of_few_objects_no_score_is_chosen():
    truth = Boxes(np.array([[0, 0, 1, 1]], float), np.array([0]), np.ones(1))
    assert least_scores([(truth, truth)] * 3, 2) == {}


@pytest.fixture(scope="module")
def learned(drawn: DrawnDataset, tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    recipe = DetectionRecipe(image_size_px=32, epochs=12, batch_size=8)
    root = tmp_path_factory.mktemp("detection")
    return fit(TASK, drawn.manifest, drawn.read, recipe, drawn.classes, root, DATASET, threads=1)


@pytest.fixture(scope="module")
def bundle(learned: TrainedModel, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return export(TASK, learned, tmp_path_factory.mktemp("bundles"), "drawn")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_small_detector_learns_to_find_what_is_drawn(
    drawn: DrawnDataset, learned: TrainedModel, bundle: Bundle
):
    assert learned.metrics["val_mean_average_precision_50"] > 0.6
    spots = drawn.test[drawn.test["label"] == "spot"]
    told = [
        Predictor(bundle).predict(data)["label"]
        for _, data in drawn.read(spots["image_id"].tolist())
    ]
    assert told.count("spot") > len(told) / 2


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_integers_of_a_detector_find_what_its_floats_find(drawn: DrawnDataset, bundle: Bundle):
    images = list(drawn.images.values())
    integers = quantise(bundle, images[::4], images[:3])
    assert check_golden(Predictor(integers)) == 0
    floats, rounded = (
        evaluate(TASK, each, drawn.test, drawn.read).metrics["mean_average_precision_50"]
        for each in (bundle, integers)
    )
    assert rounded > floats - 0.1


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_boxes_that_moved_are_other_answers_though_their_labels_are_not(
    drawn: DrawnDataset, bundle: Bundle, tmp_path: Path
):
    moved = with_boxes_moved(bundle, tmp_path, 0.3)
    trial = try_int8(TASK, bundle, moved, drawn.test, drawn.read, ExportSpec())
    told = [Predictor(bundle).predict(data) for _, data in drawn.read(list(drawn.test["image_id"]))]
    assert trial.flips == sum(bool(answer["objects"]) for answer in told) > 0
    assert not trial.passed


def with_boxes_moved(bundle: Bundle, root: Path, by: float) -> Bundle:
    """A bundle that places every box elsewhere, by so much of a view's sides."""
    proto = onnx.load_from_string(bundle.read(MODEL_FILE))
    graph = proto.graph
    (node,) = (each for each in graph.node if "boxes" in each.output)
    node.output[list(node.output).index("boxes")] = "boxes_before"
    graph.initializer.append(onnx.numpy_helper.from_array(np.array(by, np.float32), "moved_by"))
    graph.node.append(onnx.helper.make_node("Add", ["boxes_before", "moved_by"], ["boxes"]))
    return write_bundle(root, bundle.card, {MODEL_FILE: proto.SerializeToString()})


def test_an_image_without_a_defect_is_good_where_every_class_is_a_defect():
    defects = [entry for entry in CLASSES if entry.defect]
    outcomes = pd.DataFrame({"defect": [True, False] * 20, "defect_score": [0.8, 0.1] * 20})
    spec = DetectionSpec(source=SourceSpec(landing="landing", label="folder"))
    chosen = TASK.thresholds(outcomes, defects, spec)
    assert chosen.origin == "lowest cost on 20 good and 20 defect images of the val split"
    assert set(chosen.thresholds) == {PASS_BELOW, REFUSE_FROM}
