"""evaluation_report: how the bundle answers on the test split, the gates, and the champion."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from vision_assets.assets.graph import REFERENCE, asset_key, upstream, verdict
from vision_assets.assets.metadata import picture, records_table
from vision_assets.assets.yaml_keys import yaml_version
from vision_assets.resources.evaluation_tracking import log_evaluation
from vision_assets.resources.home import HomeResource
from vision_assets.vision.spec import CHAMPION_CHECK
from vision_assets.vision.use_case import UseCase

if TYPE_CHECKING:
    from vision_assets.vision.evaluation.appraisal import Appraisal
    from vision_assets.vision.evaluation.gates import GateResult
    from vision_assets.vision.evaluation.heatmap_sanity import HeatmapSanity
    from vision_assets.vision.training.pixels import ReadBytes

_HEATMAPS = "heatmaps_show_what_was_learned"
_SHOWN = 12
"""Pictures of a contact sheet; as many fit into an event of Dagster's log."""


def evaluation_report(use_case: UseCase) -> dg.AssetsDefinition:
    """Build the asset `<use_case>/evaluation_report` with one blocking check per gate.

    A model that a gate stops is registered and reported, and goes no further.
    """
    key = asset_key(use_case, "evaluation_report")

    @dg.asset(
        key=key,
        deps=[asset_key(use_case, "exported_model")],
        code_version=yaml_version(use_case, "evaluation_report"),
        group_name=use_case.name,
        kinds={"sklearn"},
        description="The bundle's scorecard on the test split, from bytes, as it will serve.",
        check_specs=_check_specs(use_case, key),
    )
    def build(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult:
        from vision_assets.vision.evaluation.appraisal import appraise
        from vision_assets.vision.inference.bundle import Bundle
        from vision_assets.vision.tasks.registry import load_task
        from vision_assets.vision.training.trained_model import TrainedModel

        bundle_id = upstream(context, use_case, "exported_model")
        bundle = Bundle.load(home.home.bundles(use_case.name) / bundle_id)
        model_id = bundle.card.model_id
        appraisal = appraise(
            load_task(use_case.task),
            TrainedModel.load(home.home.models(use_case.name) / model_id),
            bundle,
            _champion(home, use_case),
            home.datasets(use_case),
            home.image_store(use_case).read,
            home.home.reports(use_case.name),
            use_case.spec,
        )
        metrics, report = appraisal.evidence.metrics, appraisal.report
        runs = log_evaluation(home.home, use_case.name, model_id, metrics, report.html)
        shown = _metadata(appraisal, runs, home.image_store(use_case).read)
        checks = [*map(_check, appraisal.gates), _heatmap_check(appraisal.heatmaps)]
        return dg.MaterializeResult(
            data_version=dg.DataVersion(report.report_id),
            metadata=shown | verdict(checks),
            check_results=checks,
        )

    return build


def _check_specs(use_case: UseCase, key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    said = "Heatmaps change when the weights of the network are randomised."
    return [
        *(
            dg.AssetCheckSpec(name, asset=key, blocking=True, description=asked)
            for name, asked in _checks(use_case).items()
        ),
        dg.AssetCheckSpec(_HEATMAPS, asset=key, description=said),
    ]


def _checks(use_case: UseCase) -> dict[str, str]:
    """What is asked for, by the name of its check."""
    checks = {gate.check_name: f"{gate.asked} on the test split." for gate in use_case.spec.gates}
    if use_case.spec.champion is not None:
        checks[CHAMPION_CHECK] = "No worse than the bundle that is deployed, on the same images."
    return checks


def _champion(home: HomeResource, use_case: UseCase) -> Path | None:
    """Folder of the bundle that is deployed; None where there is none, or nobody asks."""
    if use_case.spec.champion is None:
        return None
    deployments = home.deployments(use_case)
    current = deployments.current()
    return deployments.bundle_folder(current) if current else None


def _check(gate: "GateResult") -> dg.AssetCheckResult:
    from vision_assets.vision.evaluation.judgement import interval_json

    value = {} if gate.value is None else {"value": gate.value}
    return dg.AssetCheckResult(
        check_name=gate.name,
        passed=gate.passed,
        description=gate.text,
        metadata={
            "verdict": gate.verdict,
            "asked for": gate.asked,
            **value,
            "figures": records_table(
                {"of": case.subject or "all", "verdict": case.verdict, **interval_json(case.found)}
                for case in gate.cases
            ),
        },
    )


def _heatmap_check(found: "HeatmapSanity | None") -> dg.AssetCheckResult:
    """Whether the heatmaps mean anything; it warns, since answers are right without them."""
    return dg.AssetCheckResult(
        check_name=_HEATMAPS,
        passed=found is None or found.passed,
        severity=dg.AssetCheckSeverity.WARN,
        description="This task draws no heatmaps." if found is None else found.text,
        metadata={} if found is None else {"correlation": found.correlation, "limit": found.limit},
    )


def _metadata(appraisal: "Appraisal", runs: list[str], read: "ReadBytes") -> dict[str, Any]:
    evidence, report = appraisal.evidence, appraisal.report
    return {
        REFERENCE: dg.MetadataValue.text(report.report_id),
        "report": dg.MetadataValue.path(str(report.html)),
        **{name: round(value, 4) for name, value in evidence.metrics.items()},
        "MLflow runs": ", ".join(runs) or "none",
        "intervals": records_table(
            {"figure": name, **asdict(found)}
            for name, found in evidence.intervals.items()
            if "/" not in name
        ),
        "per class": records_table(evidence.scorecard.per_class.to_dict("records")),
        **{title: picture(png) for title, png in report.plots.items()},
        **_against_the_champion(appraisal, read),
    }


def _against_the_champion(appraisal: "Appraisal", read: "ReadBytes") -> dict[str, Any]:
    from vision_assets.vision.pictures import contact_sheet

    if appraisal.contest is None:
        return {}
    comparison = appraisal.contest.comparison
    sheets = {}
    for kind in ("fixed", "broken"):
        rows = comparison.images[comparison.images["kind"] == kind].head(_SHOWN)
        said = {row["image_id"]: f"{row['first']} > {row['second']}" for _, row in rows.iterrows()}
        if said:
            cells = [(data, said[image_id]) for image_id, data in read(list(said))]
            sheets[f"{kind} images"] = picture(contact_sheet(cells), "image/jpeg")
    return {"against the champion": dg.MetadataValue.md(comparison.markdown)} | sheets
