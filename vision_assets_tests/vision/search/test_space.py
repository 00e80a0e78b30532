"""What a YAML may say of a search, and where a search looks when it says nothing."""

import pytest
from pydantic import ValidationError

from vision_assets.vision.search.question import Question, question_of
from vision_assets.vision.spec import RangeSpec, SourceSpec, checked_space
from vision_assets.vision.tasks.anomaly.spec import AnomalySpec
from vision_assets.vision.tasks.classification.spec import ClassificationRecipe
from vision_assets.vision.tasks.registry import load_task
from vision_assets_tests.vision.dataset.drawn_dataset import DATASET
from vision_assets_tests.vision.search.searches import TASK, question, spec


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({"learning_rat": [1]}, r"search\.space\.learning_rat: the recipe has no such field"),
        ({"seed": [0, 1]}, "a lucky seed is no better recipe"),
        ({"augment": ["light", "heavy"]}, r"search\.space\.augment: 'heavy'"),
        ({"augment": {"low": 0, "high": 1}}, r"search\.space\.augment: 0 "),
        ({"augment": []}, "at least one value"),
        ({"learning_rate": {"low": 0, "high": 1}}, r"search\.space\.learning_rate: 0 "),
        ({"learning_rate": {"low": 1, "high": 0.1}}, "low below high, got 1 and 0.1"),
        ({"weight_decay": {"low": 0, "high": 0.1, "log": True}}, "log needs a low above 0"),
        ({"epochs": {"low": 1.5, "high": 4}}, r"search\.space\.epochs: 1\.5"),
        ({"learning_rate": {"low": 0.1, "hihg": 1}}, "hihg"),
    ],
)
def test_a_space_that_does_not_fit_the_recipe_is_told(space, said: str):
    with pytest.raises(ValidationError, match=said):
        spec(space)


def test_numbers_that_yaml_reads_as_text_are_numbers():
    assert question({"learning_rate": ["1e-3", "1e-2"]}).space["learning_rate"] == (1e-3, 1e-2)


def test_a_range_has_the_numbers_of_its_field():
    found = question({"epochs": {"low": 2.0, "high": 4}, "weight_decay": {"low": 0, "high": 1}})
    assert repr(found.space["epochs"]) == repr(RangeSpec(low=2, high=4))
    assert repr(found.space["weight_decay"]) == repr(RangeSpec(low=0.0, high=1.0))
    assert Question.model_validate_json(found.model_dump_json()) == found


def test_without_a_space_the_task_has_one():
    found = question({}).space
    assert set(found) > {"learning_rate", "weight_decay", "augment"}
    assert {"epochs", "seed", "device"}.isdisjoint(found)


@pytest.mark.parametrize(
    "recipe",
    [
        ClassificationRecipe(),
        ClassificationRecipe(image_size_px=16, learning_rate=10, weight_decay=1),
        ClassificationRecipe(image_size_px=1024, network="resnet18", label_smoothing=0.9),
    ],
)
def test_the_space_of_a_task_fits_any_recipe(recipe: ClassificationRecipe):
    space = checked_space(recipe, TASK.search_space(recipe))
    for name, values in space.items():
        own = getattr(recipe, name)
        assert values.low <= own <= values.high if isinstance(values, RangeSpec) else own in values


def test_what_is_made_better_is_what_the_gate_asks_for():
    assert question().metric == "accuracy"
    assert question().direction == "maximize"
    assert question(metric="loss").direction == "minimize"


def test_a_gate_that_no_training_watches_leaves_the_loss():
    by_default = AnomalySpec(source=SourceSpec(landing="none"))
    assert by_default.gates[0].metric == "auroc"
    assert question_of(load_task("anomaly"), by_default, DATASET).metric == "loss"


def test_another_dataset_or_space_is_another_study():
    other = {"name": "v0002-drawn", "fingerprint": "e" * 64}
    names = {question().name, question({}).name, question_of(TASK, spec(), other).name}
    assert len(names) == 3
