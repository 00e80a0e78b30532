"""evaluation_report: how the bundle answers on the test split, the gates, and the champion."""

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import dagster as dg

from vision_assets.assets.graph import REFERENCE, asset_key, upstream
from vision_assets.assets.metadata import picture, records_table
from vision_assets.assets.report_background import (
    HEATMAPS,
    background_metadata,
    gather,
    heatmap_check,
)
from vision_assets.resources.evaluation_tracking import log_evaluation
from vision_assets.resources.home import HomeResource
from vision_assets.vision.spec import CHAMPION_CHECK
from vision_assets.vision.use_case import UseCase

if TYPE_CHECKING:
    from vision_assets.vision.evaluation.champion import Challenge
    from vision_assets.vision.evaluation.evidence import Evidence
    from vision_assets.vision.evaluation.gates import GateResult
    from vision_assets.vision.evaluation.report import Report
    from vision_assets.vision.inference.bundle import Card


def evaluation_report(use_case: UseCase) -> dg.AssetsDefinition:
    """Build the asset `<use_case>/evaluation_report` with one blocking check per gate.

    A model that a gate stops is registered and reported, and goes no further.
    """
    key = asset_key(use_case, "evaluation_report")

    @dg.asset(
        key=key,
        deps=[asset_key(use_case, "exported_model")],
        group_name=use_case.name,
        kinds={"sklearn"},
        description="The bundle's scorecard on the test split, from bytes, as it will serve.",
        check_specs=[
            dg.AssetCheckSpec(name, asset=key, blocking=True, description=asked)
            for name, asked in _checks(use_case).items()
        ]
        + [
            dg.AssetCheckSpec(
                HEATMAPS,
                asset=key,
                description="Heatmaps change when the weights of the network are randomised.",
            )
        ],
    )
    def build(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult:
        from vision_assets.vision.evaluation.evaluate import evaluate
        from vision_assets.vision.evaluation.evidence import Evidence
        from vision_assets.vision.evaluation.gates import judge
        from vision_assets.vision.evaluation.report import write_report
        from vision_assets.vision.inference.bundle import Bundle
        from vision_assets.vision.tasks.registry import load_task
        from vision_assets.vision.training.trained_model import TrainedModel

        task = load_task(use_case.task)
        store = home.image_store(use_case)
        bundle_id = upstream(context, use_case, "exported_model")
        bundle = Bundle.load(home.home.bundles(use_case.name) / bundle_id)
        trained = TrainedModel.load(home.home.models(use_case.name) / bundle.card.model_id)
        version = home.datasets(use_case).get(bundle.card.dataset["name"])
        manifest = version.manifest()
        test = manifest[manifest["split"] == "test"]
        scorecard = evaluate(task, bundle, test, store.read, slices=use_case.spec.slices)
        evidence = Evidence(task, scorecard, test, use_case.spec.costs)
        challenged = _challenge(home, use_case, evidence)
        gates = judge(evidence, use_case.spec.gates)
        if challenged is not None:
            gates.append(challenged.gate)
        contest = challenged.contest if challenged else None
        background = gather(home, use_case, bundle, trained, version, evidence, contest)
        report = write_report(
            task,
            scorecard,
            gates,
            bundle,
            store.read,
            home.home.reports(use_case.name),
            trained.history,
            background,
        )
        metrics = _metrics(evidence)
        runs = log_evaluation(home.home, use_case.name, bundle.card.model_id, metrics, report.html)
        return dg.MaterializeResult(
            data_version=dg.DataVersion(report.report_id),
            metadata=_metadata(evidence, report, metrics, runs) | background_metadata(background),
            check_results=[*map(_check, gates), heatmap_check(background)],
        )

    return build


def _checks(use_case: UseCase) -> dict[str, str]:
    """What is asked for, by the name of its check."""
    checks = {gate.check_name: f"{gate.asked} on the test split." for gate in use_case.spec.gates}
    if use_case.spec.champion is not None:
        checks[CHAMPION_CHECK] = "No worse than the bundle that is deployed, on the same images."
    return checks


def _challenge(home: HomeResource, use_case: UseCase, evidence: "Evidence") -> "Challenge | None":
    """How the bundle stands against the one that is deployed; None where nobody asks."""
    from vision_assets.vision.evaluation.champion import challenge
    from vision_assets.vision.manifest import SPLITS

    if use_case.spec.champion is None:
        return None
    deployments = home.deployments(use_case)
    current = deployments.current()

    def trained_on(card: "Card") -> list[str]:
        manifest = home.datasets(use_case).get(card.dataset["name"]).manifest(["image_id", "split"])
        return manifest.loc[manifest["split"].isin(SPLITS[:2]), "image_id"].tolist()

    return challenge(
        evidence,
        deployments.bundle_folder(current) if current else None,
        trained_on,
        home.image_store(use_case).read,
        use_case.spec.champion,
    )


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


def _metrics(evidence: "Evidence") -> dict[str, float]:
    """Figures of all test images; those of decisions where the bundle takes any."""
    from vision_assets.vision.evaluation.costs import DECISION_FIGURES

    decided = {name: evidence.interval(name).value for name in DECISION_FIGURES}
    found = evidence.scorecard.metrics | decided
    return {name: float(value) for name, value in found.items() if not math.isnan(value)}


def _metadata(
    evidence: "Evidence", report: "Report", metrics: dict[str, float], runs: list[str]
) -> dict[str, Any]:
    return {
        REFERENCE: dg.MetadataValue.text(report.report_id),
        "report": dg.MetadataValue.path(str(report.html)),
        **{name: round(value, 4) for name, value in metrics.items()},
        "MLflow runs": ", ".join(runs) or "none",
        "intervals": records_table(
            {"figure": name, **asdict(found)}
            for name, found in evidence.intervals.items()
            if "/" not in name
        ),
        "per class": records_table(evidence.scorecard.per_class.to_dict("records")),
        **{title: picture(png) for title, png in report.plots.items()},
    }
