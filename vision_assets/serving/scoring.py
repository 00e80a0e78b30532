"""Scoring a folder with a bundle of a use case."""

from pathlib import Path

from vision_assets.home import Home
from vision_assets.serving.bento import limits_of
from vision_assets.serving.deployments import Deployments
from vision_assets.vision.errors import BundleError, DeploymentError
from vision_assets.vision.inference.bundle import CARD_FILE, Bundle
from vision_assets.vision.scoring.score import OnProgress, ScoreReport, score_folder
from vision_assets.vision.use_case import UseCase

CHAMPION = "champion"
"""Stands for the bundle that is deployed."""


def score_use_case(
    home: Home,
    use_case: UseCase,
    folder: Path,
    out: Path | None = None,
    bundle_id: str = CHAMPION,
    on_progress: OnProgress | None = None,
) -> ScoreReport:
    """Answer every file of a folder, within the bounds of the service.

    Args:
        home: where the bundle is.
        use_case: whose bundle it is.
        folder: with the images.
        out: the Parquet file; default: one for this folder's name in the home.
        bundle_id: who answers; default: the bundle that is deployed.
        on_progress: told of the files done and of all files.

    Raises:
        BundleError: there is no such bundle, or it is damaged.
        DeploymentError: nothing is deployed.
        DatasetError: the folder is none.
    """
    limits = limits_of(use_case.spec)
    bundle = _bundle(home, use_case, bundle_id)
    default = home.scores(use_case.name) / f"{folder.absolute().name}.parquet"
    return score_folder(bundle, folder, out or default, limits, on_progress=on_progress)


def _bundle(home: Home, use_case: UseCase, bundle_id: str) -> Bundle:
    if bundle_id == CHAMPION:
        deployments = Deployments(home.deployments(use_case.name))
        current = deployments.current()
        if current is None:
            raise DeploymentError(
                f"{use_case.name} has no deployment; run `vision-assets run {use_case.name}` "
                "first, or name a bundle with --bundle"
            )
        return Bundle.load(deployments.bundle_folder(current))
    bundles = home.bundles(use_case.name)
    known = sorted(path.parent.name for path in bundles.glob(f"[!.]*/{CARD_FILE}"))
    if bundle_id not in known:
        raise BundleError(
            f"{use_case.name} has no bundle {bundle_id!r}; there are: {', '.join(known) or 'none'}"
        )
    return Bundle.load(bundles / bundle_id)
