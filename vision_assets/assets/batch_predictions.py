"""batch_predictions: the answers of the deployed bundle for a folder of images."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from vision_assets.assets.graph import (
    BATCH_PREDICTIONS,
    REFERENCE,
    asset_key,
    by_hand,
    scoring_pool,
)
from vision_assets.assets.metadata import counts_table, picture
from vision_assets.assets.yaml_keys import yaml_version
from vision_assets.resources.home import HomeResource
from vision_assets.vision.use_case import UseCase

if TYPE_CHECKING:
    from vision_assets.vision.scoring.score import ScoreReport

_LOGGED_EVERY = 1000


def batch_predictions(use_case: UseCase) -> dg.AssetsDefinition:
    """Build the asset `<use_case>/batch_predictions`, for use cases with a section `score`."""

    @dg.asset(
        key=asset_key(use_case, BATCH_PREDICTIONS),
        deps=[asset_key(use_case, "deployment")],
        code_version=yaml_version(use_case, BATCH_PREDICTIONS),
        group_name=by_hand(use_case),
        kinds={"parquet"},
        pool=scoring_pool(use_case),
        description="One row per file of the folder that `score.folder` names.",
    )
    def build(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult:
        from vision_assets.serving.scoring import score_use_case

        score = use_case.spec.score
        assert score is not None, "only use cases with a section `score` have this asset"
        folder = home.home.root / score.folder

        def on_progress(done: int, total: int) -> None:
            if done % _LOGGED_EVERY == 0:
                context.log.info(f"{done} of {total} files")

        report = score_use_case(home.home, use_case, folder, on_progress=on_progress)
        return dg.MaterializeResult(metadata=_metadata(report, folder))

    return build


def _metadata(report: "ScoreReport", folder: Path) -> dict[str, Any]:
    from vision_assets.vision.scoring.summary import least_sure_sheet, summarise

    summary = summarise(report.out)
    sheet = least_sure_sheet(summary, folder)
    return {
        REFERENCE: dg.MetadataValue.text(str(report.out)),
        "bundle": report.bundle_id,
        "folder": dg.MetadataValue.path(str(folder)),
        "parquet": dg.MetadataValue.path(str(report.out)),
        "files": report.files,
        "scored now": report.scored,
        "refused": report.refused,
        "images/s": round(report.scored / report.seconds, 1),
        "labels": counts_table(summary.labels, "label"),
        "decisions": counts_table(summary.decisions, "decision"),
        "refused by reason": counts_table(summary.refused, "reason"),
        **({"least sure": picture(sheet, "image/jpeg")} if sheet else {}),
    }
