"""The whole graph for every task: from a landing folder to an endpoint, and to its successor."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from vision_assets.assets.graph import GRAPH
from vision_assets.execution import run_graph
from vision_assets.home import Home
from vision_assets.project import use_case
from vision_assets.serving.deployments import Deployments
from vision_assets.vision.samples.write import PATTERN, write_samples
from vision_assets.vision.spec import CHAMPION_CHECK
from vision_assets.vision.tasks.registry import register, task_packages
from vision_assets_tests.graph.served import assert_served_as_bundled
from vision_assets_tests.vision.tasks.toy.component import NAME, PACKAGE

YAML = """\
type: {type}
attributes:
  source: {{landing: landing, settle_s: 0, batch: {{max_wait_s: 0}}, pattern: '{pattern}'{source}}}
  recipe: {{epochs: {epochs}, image_size_px: {side_px}, batch_size: 8}}
  export: {{int8: true}}
  slices: [line, camera]
  gates: [{{metric: {metric}, min: 0.0}}]
  champion: {{metric: {metric}, margin: {margin}, min_n: 4}}
"""
SAMPLES, MORE = 60, 30
PROVE_IT, WHATEVER = 0, 2
"""Margins of the champion's gate: a model has to be shown to be better, or may be any."""
ATTRIBUTES = PATTERN.replace("(?P<label>", "(?:")
"""The pattern of a source that says by itself what is on an image."""


@dataclass(frozen=True)
class Case:
    """A use case of one task.

    Attributes:
        type: what its YAML names.
        metric: of its gate.
        format: of the samples that it learns from.
        source: what its YAML says of labels and annotations.
        pattern: of the names of files.
        answer: what its endpoint answers beside what every task does.
        epochs: of a training after which it finds objects, if it ever does.
        side_px: of what the network sees then.
    """

    type: str
    metric: str = "accuracy"
    format: str = "pattern"
    source: str = ", label: pattern"
    pattern: str = PATTERN
    answer: set[str] = field(default_factory=set)
    epochs: int = 2
    side_px: int = 32


CASES = {
    "anomaly": Case(
        "vision_assets.AnomalyPipeline",
        metric="auroc",
        format="mvtec",
        source=", label: mvtec",
        pattern=ATTRIBUTES,
        answer={"objects", "map_png"},
    ),
    "classification": Case("vision_assets.ClassificationPipeline", answer={"scores"}),
    "detection": Case(
        "vision_assets.DetectionPipeline",
        metric="mean_average_precision_50",
        format="voc",
        source=", label: voc",
        pattern=ATTRIBUTES,
        answer={"objects"},
        epochs=6,
        side_px=64,
    ),
    "segmentation": Case(
        "vision_assets.SegmentationPipeline",
        metric="mean_iou",
        format="masks",
        source=", label: masks, masks: {extension: .png}",
        answer={"objects", "area_share"},
    ),
    "toy": Case(
        "vision_assets_tests.vision.tasks.toy.component.ToyPipeline", answer={"brightness"}
    ),
}


def test_every_task_has_a_case() -> None:
    register(NAME, PACKAGE)
    assert CASES.keys() == task_packages().keys()


def judged(home: Home, name: str) -> dict[str, Any]:
    """What the latest report says."""
    latest = max(home.reports(name).iterdir(), key=lambda folder: folder.stat().st_mtime)
    return json.loads((latest / "scorecard.json").read_text())


def assert_sliced(said: dict[str, Any]) -> None:
    """By line and by camera, each image once."""
    for column in ("line", "camera"):
        parts = [part for part in said["slices"] if part["column"] == column]
        assert sum(part["n"] for part in parts) == said["n"]
        assert sum(part["defects"] + part["good"] for part in parts) == said["n"]
        assert all(part["low"] <= part["correct"] <= part["high"] for part in parts)
        assert {"escape_rate_high", "overkill_rate_high"} <= parts[0].keys()


def assert_compared(said: dict[str, Any], metric: str, margin: float) -> None:
    """With the champion, on the same images; the gate goes by the interval."""
    (found,) = [one for one in said["champion"]["figures"] if one["figure"] == metric]
    assert found["low"] <= found["difference"] <= found["high"]
    assert said["champion"]["n"] >= 4
    gate = said["gates"][-1]
    assert gate["name"] == CHAMPION_CHECK
    assert gate["passed"] == (found["low"] > -margin)
    assert f"gain in {metric} over bundle {said['champion']['bundle_id']}" in gate["text"]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("task", CASES)
def test_images_become_an_endpoint_and_more_of_them_its_successor(
    task: str, home: Home, write_yaml: Callable[..., Path]
) -> None:
    """The successor learns for one epoch: it cannot be shown to be better than the first."""
    case, name = CASES[task], f"a_{task}"
    deployments = Deployments(home.deployments(name))

    def ask(epochs: int, margin: float) -> None:
        write_yaml(YAML.format(**vars(case) | {"epochs": epochs, "margin": margin}), name=name)

    ask(case.epochs, PROVE_IT)
    write_samples(home.landing("landing"), SAMPLES, format=case.format)
    assert run_graph(name, GRAPH)
    answers = assert_served_as_bundled(home, name)
    assert use_case(name).task == task
    assert case.answer <= answers[0].keys()
    assert_sliced(judged(home, name))

    ask(1, PROVE_IT)
    write_samples(home.landing("landing"), MORE, seed=1, format=case.format)
    assert not run_graph(name, GRAPH)
    assert_compared(judged(home, name), case.metric, PROVE_IT)
    assert len(deployments.history()) == 1

    ask(1, WHATEVER)
    assert run_graph(name, GRAPH[GRAPH.index("evaluation_report") :])
    assert_compared(judged(home, name), case.metric, WHATEVER)
    assert len(deployments.history()) == 2
