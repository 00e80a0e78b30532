"""The whole graph for every task: from a landing folder to an endpoint that answers over HTTP."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from vision_assets.assets.graph import GRAPH
from vision_assets.execution import run_graph
from vision_assets.home import Home
from vision_assets.project import use_case
from vision_assets.vision.samples.write import PATTERN, write_samples
from vision_assets.vision.tasks.registry import register, task_packages
from vision_assets_tests.graph.served import assert_served_as_bundled
from vision_assets_tests.vision.tasks.toy.component import NAME, PACKAGE

YAML = """\
type: {type}
attributes:
  source: {{landing: landing, settle_s: 0, batch: {{max_wait_s: 0}}{source}}}
  recipe: {{epochs: {epochs}, image_size_px: {side_px}, batch_size: 8}}
  gates: [{{metric: {metric}, min: 0.0}}]
  champion: null
"""
PER_CLASS, SAMPLES = 10, 60


@dataclass(frozen=True)
class Case:
    """A use case of one task.

    Attributes:
        type: what its YAML names.
        metric: of its gate.
        format: of the samples that it learns from; empty: a folder for each class.
        source: what its YAML says of annotations.
        answer: what its endpoint answers beside what every task does.
        epochs: of a training after which it finds objects, if it ever does.
        side_px: of what the network sees then.
    """

    type: str
    metric: str = "accuracy"
    format: str = ""
    source: str = ""
    answer: set[str] = field(default_factory=set)
    epochs: int = 2
    side_px: int = 32


CASES = {
    "anomaly": Case(
        "vision_assets.AnomalyPipeline",
        metric="auroc",
        format="mvtec",
        source=", label: mvtec",
        answer={"objects", "map_png"},
    ),
    "classification": Case("vision_assets.ClassificationPipeline", answer={"scores"}),
    "detection": Case(
        "vision_assets.DetectionPipeline",
        metric="mean_average_precision_50",
        format="voc",
        source=", label: voc",
        answer={"objects"},
        epochs=6,
        side_px=64,
    ),
    "segmentation": Case(
        "vision_assets.SegmentationPipeline",
        metric="mean_iou",
        format="masks",
        source=f", label: masks, masks: {{extension: .png}}, pattern: '{PATTERN}'",
        answer={"objects", "area_share"},
    ),
    "toy": Case(
        "vision_assets_tests.vision.tasks.toy.component.ToyPipeline", answer={"brightness"}
    ),
}


def test_every_task_has_a_case() -> None:
    register(NAME, PACKAGE)
    assert CASES.keys() == task_packages().keys()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("task", CASES)
def test_images_become_an_endpoint_that_answers(
    task: str, home: Home, write_yaml: Callable[..., Path], draw_folder: Callable[..., Path]
) -> None:
    case = CASES[task]
    write_yaml(YAML.format(**vars(case)), name=f"a_{task}")
    landing = draw_folder(PER_CLASS if not case.format else 0, folder="home/landing")
    if case.format:
        write_samples(landing, SAMPLES, format=case.format)
    assert run_graph(f"a_{task}", GRAPH)
    answers = assert_served_as_bundled(home, f"a_{task}")
    assert use_case(f"a_{task}").task == task
    assert case.answer <= answers[0].keys()
