"""What every task promises, whichever it is: the whole model side, one step after the other."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vision_assets.vision.errors import TrainingError
from vision_assets.vision.evaluation.evaluate import evaluate
from vision_assets.vision.evaluation.report import write_report
from vision_assets.vision.evaluation.scorecard import Scorecard
from vision_assets.vision.export import export
from vision_assets.vision.inference.answers import Answer
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.inference.golden import check_golden
from vision_assets.vision.inference.predictor import Predictor
from vision_assets.vision.int8 import Int8Trial, try_int8
from vision_assets.vision.objects import AnnotatedObject, to_text
from vision_assets.vision.quantize import quantise
from vision_assets.vision.shipment import Integers, Shipment, make_shipment
from vision_assets.vision.spec import CostSpec, ExportSpec, PipelineSpec, checked_space
from vision_assets.vision.tasks.registry import load_answers, load_task, register, task_packages
from vision_assets.vision.tasks.task import Task
from vision_assets.vision.training.fit import fit
from vision_assets.vision.training.progress import EpochReport
from vision_assets.vision.training.trained_model import TrainedModel
from vision_assets.vision.use_case import UseCase
from vision_assets_tests.drawing import encode
from vision_assets_tests.vision.dataset.drawn_dataset import DATASET, DrawnDataset, spec_of
from vision_assets_tests.vision.tasks.toy.component import NAME, PACKAGE

register(NAME, PACKAGE)
QUICK = {"image_size_px": 32, "epochs": 2, "batch_size": 16}
UNKNOWN_ID = 99
BAD = {
    "of a class that there is not": {
        "class_id": UNKNOWN_ID,
        "label": "dent",
        "objects": to_text([AnnotatedObject(UNKNOWN_ID, (4, 4, 20, 20))]),
    },
    "missing": {"class_id": pd.NA, "label": None, "objects": None},
}


@pytest.fixture(scope="module", params=sorted(task_packages()))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def task(name: str) -> Task:
    return load_task(name)


@pytest.fixture(scope="module")
def root(name: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp(name)


@pytest.fixture(scope="module")
def model(task: Task, drawn: DrawnDataset, root: Path) -> TrainedModel:
    return train(task, drawn, root / "models")


@pytest.fixture(scope="module")
def exported(task: Task, model: TrainedModel, root: Path) -> Bundle:
    return export(task, model, root / "bundles", "drawn")


@pytest.fixture(scope="module")
def spec() -> PipelineSpec:
    """That asks for integers."""
    return spec_of(CostSpec()).model_copy(update={"export": ExportSpec(int8=True)})


@pytest.fixture(scope="module")
def shipment(
    name: str, task: Task, model: TrainedModel, drawn: DrawnDataset, root: Path, spec: PipelineSpec
) -> Shipment:
    """Both bundles with thresholds of their own, and how the integers did."""
    case = UseCase("drawn", name, spec)
    return make_shipment(task, model, drawn.manifest, drawn.read, root / "shipped", case)


@pytest.fixture(scope="module")
def integers(shipment: Shipment) -> Integers:
    assert shipment.integers is not None
    return shipment.integers


@pytest.fixture(scope="module")
def scorecard(task: Task, shipment: Shipment, drawn: DrawnDataset) -> Scorecard:
    return evaluate(task, shipment.floats, drawn.test, drawn.read, slices=("line",))


@pytest.fixture(scope="module")
def some(drawn: DrawnDataset) -> list[bytes]:
    """Images of every class."""
    return list(drawn.images.values())[::8]


@pytest.fixture(scope="module")
def answers(exported: Bundle, some: list[bytes]) -> list[Answer]:
    """Each image alone, from its bytes."""
    return [Predictor(exported).predict(data) for data in some]


class Stopped(Exception):
    """The process that trained is gone."""


def stop(report: EpochReport) -> None:
    raise Stopped


def train(task: Task, drawn: DrawnDataset, root: Path, **options: Any) -> TrainedModel:
    recipe = task.recipe_type.model_validate(QUICK)
    return fit(
        task,
        drawn.manifest,
        drawn.read,
        recipe,
        drawn.classes,
        root,
        DATASET,
        threads=1,
        **options,
    )


def blinded(bundle: Bundle) -> Bundle:
    """Its integers, by ranges that were found on a black image."""
    return quantise(bundle, [encode(np.zeros((32, 32), np.uint8))], [])


def tried(task: Task, floats: Bundle, integers: Bundle, drawn: DrawnDataset) -> Int8Trial:
    return try_int8(task, floats, integers, drawn.test, drawn.read, ExportSpec(int8=True))


def badly_annotated(drawn: DrawnDataset, how: str) -> DrawnDataset:
    """The annotation of one image of train is wrong."""
    manifest = drawn.manifest.astype({"label": object, "objects": object})
    (row, *_) = manifest.index[manifest["split"] == "train"]
    manifest.loc[row, list(BAD[how])] = list(BAD[how].values())
    return DrawnDataset(manifest, drawn.images)


class TestTask:
    def test_its_name_is_the_one_it_is_found_by(self, name: str, task: Task):
        assert task.name == name

    def test_its_recipe_has_defaults_for_everything(self, task: Task):
        assert task.recipe_type().model_dump()

    def test_a_search_looks_for_values_that_its_recipe_takes(self, task: Task):
        recipe = task.recipe_type()
        assert checked_space(recipe, task.search_space(recipe))

    def test_a_search_may_go_by_what_its_training_reports(self, task: Task, model: TrainedModel):
        reported = model.history[-1]
        assert {*task.watched(model.recipe(task))} <= {*reported.val_metrics}

    def test_its_recipe_survives_being_written(self, task: Task, model: TrainedModel):
        assert model.recipe(task) == task.recipe_type.model_validate(QUICK)

    def test_training_again_gives_the_same_model(
        self, task: Task, model: TrainedModel, drawn: DrawnDataset, tmp_path: Path
    ):
        again = train(task, drawn, tmp_path)
        assert again.model_id == model.model_id

    def test_a_training_that_was_stopped_gives_the_same_model(
        self, task: Task, model: TrainedModel, drawn: DrawnDataset, tmp_path: Path
    ):
        said: list[str] = []
        with pytest.raises(Stopped):
            train(task, drawn, tmp_path, on_epoch=stop)
        resumed = train(task, drawn, tmp_path, say=said.append)
        assert resumed.model_id == model.model_id
        assert resumed.calibration == model.calibration
        if len(model.history) > 1:
            assert f"resumed after epoch 1 of {QUICK['epochs']}" in said

    @pytest.mark.parametrize("how", BAD)
    def test_a_bad_annotation_is_told_before_anything_is_learned(
        self, task: Task, drawn: DrawnDataset, how: str, tmp_path: Path
    ):
        with pytest.raises(TrainingError, match=r"expected .*, got .*"):
            train(task, badly_annotated(drawn, how), tmp_path)
        assert not list(tmp_path.iterdir())

    def test_exporting_again_gives_the_same_bundle(
        self, task: Task, model: TrainedModel, exported: Bundle, tmp_path: Path
    ):
        assert export(task, model, tmp_path, "drawn").bundle_id == exported.bundle_id

    def test_its_bundle_loads_and_names_it(self, name: str, exported: Bundle):
        assert Bundle.load(exported.folder).card.task == name

    def test_torch_and_bundle_agree(self, shipment: Shipment, drawn: DrawnDataset):
        assert shipment.parity.passed, shipment.parity
        assert shipment.parity.n == len(drawn.images)

    def test_answers_are_alike_alone_and_in_a_batch(
        self, name: str, exported: Bundle, some: list[bytes], answers: list[Answer]
    ):
        together = Predictor(exported).predict_batch(some)
        assert all(map(load_answers(name).same, answers, together))

    def test_answers_of_one_kind_of_image_are_not_those_of_another(
        self, name: str, answers: list[Answer]
    ):
        """So that no comparison of answers is one of nothing with nothing."""
        same = load_answers(name).same
        assert not all(same(answers[0], other) for other in answers)
        if "objects" in answers[0]:
            assert any(answer["objects"] for answer in answers)

    def test_its_bundles_answer_their_golden_images(self, shipment: Shipment, integers: Integers):
        found = [check_golden(Predictor(each)) for each in (shipment.floats, integers.bundle)]
        assert found == pytest.approx([0, 0], abs=1e-6)
        assert [shipment.floats.card.precision, integers.bundle.card.precision] == ["fp32", "int8"]

    def test_its_integers_are_judged_against_the_floats(
        self, integers: Integers, drawn: DrawnDataset
    ):
        trial = integers.trial
        assert trial.n == len(drawn.test)
        assert np.isfinite([*trial.difference, *trial.correct, trial.speed_up]).all()
        assert 0 <= trial.flips <= trial.n
        assert trial.text.startswith("fp32 ships, INT8 may lose more than 0.01"), "24 are too few"

    def test_its_integers_decide_by_thresholds_of_their_own_scores(
        self, task: Task, integers: Integers, drawn: DrawnDataset, spec: PipelineSpec
    ):
        bundle, val = integers.bundle, drawn.manifest[drawn.manifest["split"] == "val"]
        outcomes = evaluate(task, bundle, val, drawn.read).predictions
        chosen = task.thresholds(outcomes, bundle.card.classes, spec)
        assert bundle.card.thresholds == chosen.thresholds != {}

    def test_integers_that_see_nothing_give_other_answers(
        self, task: Task, exported: Bundle, drawn: DrawnDataset
    ):
        assert tried(task, exported, exported, drawn).flips == 0
        assert tried(task, exported, blinded(exported), drawn).flips > 0

    def test_what_the_model_saw_can_be_drawn(
        self, name: str, exported: Bundle, drawn: DrawnDataset
    ):
        predictor = Predictor(exported)
        prepared = predictor.prepare(next(iter(drawn.images.values())))
        (pixels, *_), outputs = prepared.pixels, predictor.outputs([prepared])
        seen = prepared.picture.scaled_to(*pixels.shape[:2])
        picture = load_answers(name).draw(pixels, outputs, exported.card, seen)
        assert picture.shape == pixels.shape
        assert picture.dtype == pixels.dtype

    def test_a_report_covers_every_image(
        self,
        task: Task,
        scorecard: Scorecard,
        shipment: Shipment,
        drawn: DrawnDataset,
        root: Path,
    ):
        assert set(scorecard.predictions["image_id"]) == set(drawn.test["image_id"])
        assert {"image_id", "label", "predicted", "score", "correct", "error"} <= set(
            scorecard.predictions.columns
        )
        report = write_report(task, scorecard, [], shipment.floats, drawn.read, root / "reports")
        page = report.html.read_text()
        assert page.endswith("</html>")
        assert "line = A" in page
        assert all(len(png) < 60_000 for png in report.plots.values())

    def test_what_is_right_escapes_and_is_overkill_is_counted_line_by_line(
        self, scorecard: Scorecard, drawn: DrawnDataset
    ):
        found = scorecard.slices
        assert found["value"].tolist() in (["A", "B"], ["B", "A"])
        assert found["n"].sum() == len(drawn.test)
        assert (found["defects"] + found["good"]).equals(found["n"])
        for share, of in (("correct", ""), ("escape_rate", "escape_rate_")):
            assert found[share].between(found[f"{of}low"], found[f"{of}high"]).all()
        assert found["overkill_rate"].between(0, found["overkill_rate_high"]).all()
