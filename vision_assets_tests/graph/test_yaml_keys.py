"""What each asset reads of the YAML is what its code version says."""

from collections.abc import Callable
from pathlib import Path

import pytest

from vision_assets.assets.cause import CHANGES_NO_MODEL
from vision_assets.assets.graph import BESIDE, GRAPH
from vision_assets.assets.yaml_keys import ELSEWHERE, reads, yaml_version
from vision_assets.execution import run_graph
from vision_assets.home import Home
from vision_assets.project import use_case
from vision_assets.vision.spec import PipelineSpec
from vision_assets.vision.tasks.anomaly.spec import AnomalySpec
from vision_assets.vision.tasks.classification.spec import ClassificationSpec
from vision_assets.vision.tasks.detection.spec import DetectionSpec
from vision_assets.vision.tasks.segmentation.spec import SegmentationSpec
from vision_assets_tests.graph.conftest import PARTS_YAML
from vision_assets_tests.graph.reading import Reading

ALL_OF_IT = PARTS_YAML + "  score: {folder: landing/parts}\n  search: {trials: 1}\n"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_assets_read_what_they_declare(
    home: Home,
    write_yaml: Callable[..., Path],
    draw_folder: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_yaml(ALL_OF_IT)
    draw_folder(10, folder="home/landing/parts")
    reading, spec = Reading(monkeypatch), use_case("parts").spec
    assert run_graph("parts", [*GRAPH, *BESIDE])
    assert {noun: reading.undeclared(noun, spec) for noun in (*GRAPH, *BESIDE)} == {
        noun: [] for noun in (*GRAPH, *BESIDE)
    }
    assert {noun: reading.unread(noun, spec) for noun in (*GRAPH, *BESIDE)} == {
        noun: [] for noun in (*GRAPH, *BESIDE)
    }


def test_every_key_is_read_by_somebody() -> None:
    spec = PipelineSpec.model_validate({"source": {"landing": "landing"}})
    read = {key.split(".")[0] for noun in (*GRAPH, *BESIDE) for key in reads(noun, spec)}
    assert set(PipelineSpec.model_fields) <= read | set(ELSEWHERE)


@pytest.mark.parametrize(
    "spec_class", [ClassificationSpec, DetectionSpec, SegmentationSpec, AnomalySpec]
)
def test_another_state_is_what_changes_a_model_or_its_verdict(
    spec_class: type[PipelineSpec],
) -> None:
    spec = spec_class.model_validate({"source": {"landing": "landing"}})
    of_models = GRAPH[: GRAPH.index("bento_service")]
    read = {key.split(".")[0] for noun in of_models for key in reads(noun, spec)}
    assert set(type(spec).model_fields) - read == CHANGES_NO_MODEL


def test_the_code_version_changes_with_a_key_that_is_read_and_with_no_other(write_yaml) -> None:
    write_yaml(PARTS_YAML)
    before = use_case("parts")
    write_yaml(PARTS_YAML.replace("epochs: 2", "epochs: 3"))
    after = use_case("parts")
    changed = [n for n in GRAPH if yaml_version(before, n) != yaml_version(after, n)]
    assert changed == ["trained_model"]


def test_dagster_knows_the_code_version(parts) -> None:
    from vision_assets.definitions import defs

    graph = defs().resolve_asset_graph()
    versions = {
        key.path[-1]: graph.get(key).code_version for key in graph.materializable_asset_keys
    }
    assert versions == {noun: yaml_version(parts, noun) for noun in versions}
    assert set(GRAPH) <= set(versions)
