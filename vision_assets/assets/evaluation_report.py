"""evaluation_report: how the bundle answers on the test split, and the gates."""

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
from vision_assets.resources.home import HomeResource
from vision_assets.vision.use_case import UseCase

if TYPE_CHECKING:
    from vision_assets.vision.evaluation.evaluate import Scorecard
    from vision_assets.vision.evaluation.gates import GateResult
    from vision_assets.vision.evaluation.report import Report


def evaluation_report(use_case: UseCase) -> dg.AssetsDefinition:
    """Build the asset `<use_case>/evaluation_report` with one blocking check per gate."""
    key = asset_key(use_case, "evaluation_report")

    @dg.asset(
        key=key,
        deps=[asset_key(use_case, "exported_model")],
        group_name=use_case.name,
        kinds={"sklearn"},
        description="The bundle's scorecard on the test split, from bytes, as it will serve.",
        check_specs=[
            dg.AssetCheckSpec(
                _gate_name(gate.metric),
                asset=key,
                blocking=True,
                description=f"{gate.metric} is at least {gate.min:g} on the test split.",
            )
            for gate in use_case.spec.gates
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
        gates = judge(scorecard, use_case.spec.gates)
        background = gather(context, home, use_case, bundle, trained, version, scorecard)
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
        return dg.MaterializeResult(
            data_version=dg.DataVersion(report.report_id),
            metadata=_metadata(scorecard, report) | background_metadata(background),
            check_results=[*map(_check, gates), heatmap_check(background)],
        )

    return build


def _gate_name(metric: str) -> str:
    return f"gate_{metric}"


def _check(gate: "GateResult") -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=_gate_name(gate.metric),
        passed=gate.passed,
        description=gate.text,
        metadata={"value": gate.value, "minimum": gate.minimum},
    )


def _metadata(scorecard: "Scorecard", report: "Report") -> dict[str, Any]:
    return {
        REFERENCE: dg.MetadataValue.text(report.report_id),
        "report": dg.MetadataValue.path(str(report.html)),
        **{name: round(float(value), 4) for name, value in scorecard.metrics.items()},
        "per class": records_table(scorecard.per_class.to_dict("records")),
        **{title: picture(png) for title, png in report.plots.items()},
    }
