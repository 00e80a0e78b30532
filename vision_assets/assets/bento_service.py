"""bento_service: a Bento that carries the bundle it was tested with and runs alone."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import dagster as dg

from vision_assets.assets.graph import REFERENCE, asset_key, upstream, verdict
from vision_assets.assets.metadata import records_table
from vision_assets.assets.yaml_keys import yaml_version
from vision_assets.resources.home import HomeResource
from vision_assets.vision.use_case import UseCase

if TYPE_CHECKING:
    import pandas as pd

    from vision_assets.serving.check import ServiceCheck

CHECKED_IMAGES = 32
_ANSWERS = "answers_match"


def bento_service(use_case: UseCase) -> dg.AssetsDefinition:
    """Build the asset `<use_case>/bento_service`; its check starts it for real."""
    key = asset_key(use_case, "bento_service")

    @dg.asset(
        key=key,
        deps=[asset_key(use_case, "evaluation_report")],
        code_version=yaml_version(use_case, "bento_service"),
        group_name=use_case.name,
        kinds={"bentoml"},
        description="A Bento around the bundle that the report judged.",
        check_specs=[
            dg.AssetCheckSpec(
                _ANSWERS,
                asset=key,
                blocking=True,
                description=(
                    "Started in its own clean environment, it answers over HTTP as the report says."
                ),
            )
        ],
    )
    def build(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult:
        from vision_assets.serving.bento import build_bento
        from vision_assets.serving.check import check_bento, taken_by
        from vision_assets.vision.evaluation.report import read_report

        report_id = upstream(context, use_case, "evaluation_report")
        bundle_id, predictions = read_report(home.home.reports(use_case.name) / report_id)
        built = build_bento(home.home, use_case, home.home.bundles(use_case.name) / bundle_id)
        asked, left_out = taken_by(use_case.spec, _expected(home, use_case, predictions))
        check = check_bento(home.home, built, asked)
        checks = [_answers_check(check, left_out)]
        return dg.MaterializeResult(
            data_version=dg.DataVersion(built.tag),
            metadata={
                REFERENCE: built.tag,
                "bundle": bundle_id,
                "start (s)": check.start_s,
                **{f"latency {name} (ms)": ms for name, ms in check.latency_ms.items()},
                **verdict(checks),
            },
            check_results=checks,
        )

    return build


def _answers_check(check: "ServiceCheck", left_out: int) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=_ANSWERS,
        passed=check.passed,
        metadata={
            "images": check.n,
            "too large for the service": left_out,
            "mismatches": records_table(asdict(found) for found in check.mismatches),
            "packages that must not be there": ", ".join(check.modules) or "none",
        },
    )


def _expected(
    home: HomeResource, use_case: UseCase, predictions: "pd.DataFrame"
) -> list[tuple[str, bytes, dict[str, Any]]]:
    """Test images spread over the report, with the whole answers that it recorded."""
    step = max(1, len(predictions) // CHECKED_IMAGES)
    chosen = predictions.iloc[::step][:CHECKED_IMAGES].to_dict("records")
    answers = {row["image_id"]: json.loads(row["answer"]) for row in chosen}
    read = home.image_store(use_case).read(list(answers))
    return [(name, data, answers[name]) for name, data in read]
