"""What evaluation_report tells beside its scorecard: where the bundle comes from, and whether it
is better than the one that answers now.
"""

from typing import TYPE_CHECKING, Any

import dagster as dg

from vision_assets.resources.home import HomeResource
from vision_assets.vision.errors import BundleError, DatasetError
from vision_assets.vision.use_case import UseCase

if TYPE_CHECKING:
    import pandas as pd

    from vision_assets.vision.dataset.versions import DatasetVersion
    from vision_assets.vision.evaluation.comparison import Comparison
    from vision_assets.vision.evaluation.report import Background
    from vision_assets.vision.evaluation.scorecard import Scorecard
    from vision_assets.vision.inference.bundle import Bundle
    from vision_assets.vision.training.trained_model import TrainedModel

HEATMAPS = "heatmaps_show_what_was_learned"
_PICTURES = 8


def gather(
    context: dg.AssetExecutionContext,
    home: HomeResource,
    use_case: UseCase,
    bundle: "Bundle",
    trained: "TrainedModel",
    version: "DatasetVersion",
    scorecard: "Scorecard",
) -> "Background":
    """Everything that a report can tell of a bundle."""
    from vision_assets.vision.evaluation.heatmap_sanity import IMAGES, check_heatmaps
    from vision_assets.vision.evaluation.pictures import spread
    from vision_assets.vision.evaluation.report import Background
    from vision_assets.vision.tasks.registry import load_task

    some = spread(scorecard.predictions["image_id"].tolist(), IMAGES)
    read = home.image_store(use_case).read
    return Background(
        trained=trained,
        version=version,
        heatmaps=check_heatmaps(load_task(use_case.task), trained, bundle, read(some)),
        comparison=_against_champion(context, home, use_case, bundle, version, scorecard),
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
    compared = background.comparison
    return (
        {} if compared is None else {"against the champion": dg.MetadataValue.md(compared.markdown)}
    )


def _against_champion(
    context: dg.AssetExecutionContext,
    home: HomeResource,
    use_case: UseCase,
    bundle: "Bundle",
    version: "DatasetVersion",
    scorecard: "Scorecard",
) -> "Comparison | None":
    """None where nothing answers yet, where it is this bundle, or where it cannot be judged."""
    from vision_assets.vision.evaluation.comparison import compare, unseen, with_pictures
    from vision_assets.vision.evaluation.evaluate import evaluate
    from vision_assets.vision.inference.bundle import Bundle
    from vision_assets.vision.tasks.registry import load_task

    deployments, store = home.deployments(use_case), home.image_store(use_case)
    current = deployments.current()
    if current is None or current.bundle_id == bundle.bundle_id:
        return None
    try:
        champion = Bundle.load(deployments.bundle_folder(current))
        rows = unseen(_test(version), home.datasets(use_case), [champion.card])
        before = evaluate(load_task(champion.card.task), champion, rows, store.read)
        compared = compare(before, scorecard)
    except (BundleError, DatasetError) as error:
        context.log.warning(f"The report has no comparison with the champion: {error}")
        return None
    return with_pictures(compared, champion, bundle, store.read, _PICTURES)


def _test(version: "DatasetVersion") -> "pd.DataFrame":
    manifest = version.manifest()
    return manifest[manifest["split"] == "test"]
