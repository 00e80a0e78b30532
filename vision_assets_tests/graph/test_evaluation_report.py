"""The report says where the bundle comes from, and what it changes against the champion."""

from collections.abc import Callable
from dataclasses import replace

import dagster as dg
import pytest

from vision_assets.assets.evaluation_report import evaluation_report
from vision_assets.home import Home
from vision_assets.resources.home import HomeResource
from vision_assets.serving.deployments import Deployments
from vision_assets.vision.spec import ChampionSpec
from vision_assets.vision.use_case import UseCase

Export = Callable[[int], dg.AssetsDefinition]


@pytest.fixture
def parts(parts: UseCase) -> UseCase:
    """With a champion's gate that few images satisfy."""
    spec = parts.spec.model_copy(update={"champion": ChampionSpec(min_n=2)})
    return replace(parts, spec=spec)


def _report(parts: UseCase, exported: dg.AssetsDefinition) -> dg.ExecuteInProcessResult:
    assets = [exported, evaluation_report(parts)]
    return dg.materialize(assets, resources={"home": HomeResource()}, raise_on_error=False)


@pytest.mark.slow
def test_a_report_compares_with_what_is_deployed(
    parts: UseCase, home: Home, export_parts: Export
) -> None:
    first = _report(parts, export_parts(1))
    (event,) = first.asset_materializations_for_node("parts__evaluation_report")
    assert "against the champion" not in event.metadata
    (bundle,) = home.bundles("parts").iterdir()
    Deployments(home.deployments("parts")).deploy(bundle.name, bundle, "parts:x", "test", "test")
    second = _report(parts, export_parts(2))
    (event,) = second.asset_materializations_for_node("parts__evaluation_report")
    table = str(event.metadata["against the champion"].value)
    assert f"{bundle.name} gets" in table
    counts = dict(zip(*(_cells(line) for line in table.splitlines()[0:3:2]), strict=True))
    for kind in ("fixed", "broken"):
        shown = "image/jpeg" in str(event.metadata.get(f"{kind} images"))
        assert shown == (int(counts[kind]) > 0)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.mark.slow
def test_heatmaps_are_checked_without_blocking(parts: UseCase, export_parts: Export) -> None:
    made = _report(parts, export_parts(1))
    found = {check.check_name: check for check in made.get_asset_check_evaluations()}
    heatmaps = found["heatmaps_show_what_was_learned"]
    assert heatmaps.severity == dg.AssetCheckSeverity.WARN
    assert "rank correlation" in str(heatmaps.description)
