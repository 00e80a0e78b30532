"""What YAML may say of a segmentation use case."""

import pytest
from pydantic import ValidationError

import vision_assets
from vision_assets.vision.spec import ClassSpec, CostSpec
from vision_assets.vision.tasks.registry import load_task
from vision_assets.vision.tasks.segmentation.spec import SegmentationSpec
from vision_assets.vision.training.fit import card_classes


def test_the_component_is_named_in_yaml():
    component = vision_assets.SegmentationPipeline
    assert component.task == "segmentation"
    assert component.spec_type is SegmentationSpec


def test_it_learns_from_objects_and_is_held_to_its_mean_iou():
    spec = SegmentationSpec.model_validate({"source": {"landing": "landing"}})
    assert spec.learns_from == "objects"
    assert [(gate.metric, gate.min) for gate in spec.gates] == [("mean_iou", 0.5)]
    assert spec.champion is not None
    assert spec.champion.metric == "mean_iou"


@pytest.mark.parametrize(
    "recipe", [{"dice": 1.5}, {"object_share": 1}, {"class_weights": "some"}, {"tiles": {}}]
)
def test_values_out_of_their_range_are_refused(recipe: dict):
    with pytest.raises(ValidationError):
        SegmentationSpec.model_validate({"source": {"landing": "landing"}, "recipe": recipe})


def test_parts_are_decided_although_every_class_is_a_defect():
    classes = card_classes((ClassSpec(id=0, name="crack"), ClassSpec(id=1, name="spot")))
    spec = SegmentationSpec.model_validate({"source": {"landing": "x"}, "costs": CostSpec()})
    assert load_task("segmentation").thresholds(None, classes, spec).thresholds
