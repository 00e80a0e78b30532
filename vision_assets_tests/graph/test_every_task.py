"""The whole graph for every task: from a landing folder to an endpoint that answers over HTTP."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from vision_assets.assets.graph import GRAPH
from vision_assets.execution import run_graph
from vision_assets.home import Home
from vision_assets.project import use_case
from vision_assets.serving.bento import find_bento
from vision_assets.serving.deployments import Deployments
from vision_assets.serving.process import ServiceProcess
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.inference.predictor import Predictor
from vision_assets.vision.tasks.registry import load_answers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

YAML = """\
type: {type}
attributes:
  source: {{landing: landing, settle_s: 0, batch: {{max_wait_s: 0}}{source}}}
  recipe: {{epochs: 2, image_size_px: 32, batch_size: 8}}
  gates: []
  champion: null
"""
PER_CLASS = 10


@dataclass(frozen=True)
class Case:
    """A use case of one task.

    Attributes:
        type: what its YAML names.
        source: what its YAML says of annotations.
        answer: what its endpoint answers beside what every task does.
    """

    type: str
    source: str = ""
    answer: set[str] = field(default_factory=set)


CASES = {
    "anomaly": Case("vision_assets.AnomalyPipeline", answer={"objects", "map_png"}),
    "classification": Case("vision_assets.ClassificationPipeline", answer={"scores"}),
    "toy": Case(
        "vision_assets_tests.vision.tasks.toy.component.ToyPipeline", answer={"brightness"}
    ),
}


@pytest.mark.parametrize("task", CASES)
def test_images_become_an_endpoint_that_answers(
    task: str, home: Home, write_yaml: Callable[..., Path], draw_folder: Callable[..., Path]
) -> None:
    case = CASES[task]
    write_yaml(YAML.format(type=case.type, source=case.source), name=f"a_{task}")
    landing = draw_folder(PER_CLASS, folder="home/landing")
    assert run_graph(f"a_{task}", GRAPH)
    picture = next(landing.rglob("*.jpg")).read_bytes()
    answer, served = _ask(home, f"a_{task}", picture), _ask_bundle(home, f"a_{task}", picture)
    assert use_case(f"a_{task}").task == task
    assert case.answer <= answer.keys()
    assert load_answers(task).same(served, answer)


def _ask(home: Home, name: str, picture: bytes) -> dict[str, object]:
    """What the deployed Bento answers over HTTP."""
    deployed = Deployments(home.deployments(name)).current()
    assert deployed is not None
    with (
        ServiceProcess(home, find_bento(home, deployed.bento_tag)) as service,
        httpx.Client(base_url=service.base_url, timeout=30) as client,
    ):
        explained = client.post("/explain", files={"image": picture})
        assert explained.raise_for_status().json()["heatmap_png"]
        return client.post("/predict", files={"image": picture}).raise_for_status().json()


def _ask_bundle(home: Home, name: str, picture: bytes) -> dict[str, object]:
    """What the deployed bundle answers in this process."""
    deployed = Deployments(home.deployments(name)).current()
    assert deployed is not None
    return Predictor(Bundle.load(home.bundles(name) / deployed.bundle_id)).predict(picture)
