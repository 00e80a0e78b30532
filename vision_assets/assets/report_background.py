"""What evaluation_report tells beside its scorecard: where the bundle comes from, and whether it
is better than the one that answers now.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import dagster as dg

from vision_assets.resources.home import HomeResource
from vision_assets.vision.use_case import UseCase

if TYPE_CHECKING:
    from vision_assets.vision.dataset.versions import DatasetVersion
    from vision_assets.vision.evaluation.champion import Contest
    from vision_assets.vision.evaluation.evidence import Evidence
    from vision_assets.vision.evaluation.report import Background
    from vision_assets.vision.inference.bundle import Bundle
    from vision_assets.vision.training.trained_model import TrainedModel

HEATMAPS = "heatmaps_show_what_was_learned"
_PICTURES = 8


def gather(
    home: HomeResource,
    use_case: UseCase,
    bundle: "Bundle",
    trained: "TrainedModel",
    version: "DatasetVersion",
    evidence: "Evidence",
    contest: "Contest | None",
) -> "Background":
    """Everything that a report can tell of a bundle."""
    from vision_assets.vision.evaluation.comparison import with_pictures
    from vision_assets.vision.evaluation.heatmap_sanity import IMAGES, check_heatmaps
    from vision_assets.vision.evaluation.pictures import spread
    from vision_assets.vision.evaluation.report import Background
    from vision_assets.vision.tasks.registry import load_task

    some = spread(evidence.outcomes["image_id"].tolist(), IMAGES)
    read = home.image_store(use_case).read
    if contest is not None:
        pictured = with_pictures(contest.comparison, contest.champion, bundle, read, _PICTURES)
        contest = replace(contest, comparison=pictured)
    return Background(
        trained=trained,
        version=version,
        heatmaps=check_heatmaps(load_task(use_case.task), trained, bundle, read(some)),
        evidence=evidence,
        contest=contest,
    )


def heatmap_check(background: "Background") -> dg.AssetCheckResult:
    """Whether the heatmaps mean anything; it warns, since answers are right without them."""
    found = background.heatmaps
    return dg.AssetCheckResult(
        check_name=HEATMAPS,
        passed=found is None or found.passed,
        severity=dg.AssetCheckSeverity.WARN,
        description="This task draws no heatmaps." if found is None else found.text,
        metadata={} if found is None else {"correlation": found.correlation, "limit": found.limit},
    )


def background_metadata(background: "Background") -> dict[str, Any]:
    """For the UI."""
    if background.contest is None:
        return {}
    said = background.contest.comparison.markdown
    return {"against the champion": dg.MetadataValue.md(said)}
