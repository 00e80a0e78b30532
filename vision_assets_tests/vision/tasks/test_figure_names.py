"""The figures that YAML may name are those that a report of the task has."""

from pathlib import Path

import pytest

import vision_assets
from vision_assets.vision.evaluation.costs import DECISION_FIGURES
from vision_assets.vision.evaluation.evaluate import evaluate
from vision_assets.vision.evaluation.evidence import Evidence
from vision_assets.vision.export import export
from vision_assets.vision.spec import CostSpec
from vision_assets.vision.spec.figures import LATENCIES, OF_DECISIONS
from vision_assets.vision.tasks.registry import load_task
from vision_assets.vision.training.fit import fit
from vision_assets_tests.vision.dataset.drawn_dataset import DATASET, DrawnDataset, draw_dataset


@pytest.fixture(scope="module")
def few() -> DrawnDataset:
    return draw_dataset(per_class=10)


def report(task_name: str, drawn: DrawnDataset, root: Path) -> Evidence:
    """What a network says that was shown every image once."""
    task = load_task(task_name)
    recipe = task.recipe_type.model_validate({"image_size_px": 32, "epochs": 1})
    model = fit(task, drawn.manifest, drawn.read, recipe, drawn.classes, root, DATASET, threads=1)
    bundle = export(task, model, root, "drawn")
    return Evidence(task, evaluate(task, bundle, drawn.test, drawn.read), drawn.test, CostSpec())


@pytest.mark.slow
@pytest.mark.parametrize("component", vision_assets.__all__)
def test_a_report_has_the_figures_that_may_be_named(
    component: str, few: DrawnDataset, tmp_path: Path
) -> None:
    kind = getattr(vision_assets, component)
    names = kind.spec_type.measures
    found = report(kind.task, few, tmp_path)
    assert {name for name in found.seen(found.outcomes) if "/" not in name} <= (
        names.sampled | OF_DECISIONS
    )
    assert names.sampled <= set(found.scorecard.metrics) <= names.sampled | names.other | LATENCIES
    assert set(found.scorecard.figures) == names.of_class


def test_figures_of_decisions_are_named() -> None:
    assert set(DECISION_FIGURES) == OF_DECISIONS
