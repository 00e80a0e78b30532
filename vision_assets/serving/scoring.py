"""Scoring a folder with a bundle of a use case."""

import hashlib
import os
from pathlib import Path

from vision_assets.home import Home
from vision_assets.serving.bento import limits_of
from vision_assets.serving.bundles import CHAMPION, find_bundle
from vision_assets.vision.scoring.score import OnProgress, ScoreReport, score_folder
from vision_assets.vision.use_case import UseCase

_DIGITS = 8


def score_use_case(
    home: Home,
    use_case: UseCase,
    folder: Path,
    out: Path | None = None,
    bundle_name: str = CHAMPION,
    on_progress: OnProgress | None = None,
) -> ScoreReport:
    """Answer every file of a folder, within the bounds of the service.

    Args:
        home: where the bundle is.
        use_case: whose bundle it is.
        folder: with the images.
        out: the Parquet file; default: one for this folder in the home.
        bundle_name: who answers, as `find_bundle` takes it; default: the one that is deployed.
        on_progress: told of the files done and of all files.

    Raises:
        SpecError: there is no bundle of that name, or there are several.
        BundleError: it is damaged, or there are none at all.
        DeploymentError: nothing is deployed.
        DatasetError: the folder is none.
    """
    limits = limits_of(use_case.spec)
    bundle = find_bundle(home, use_case.name, bundle_name)
    out = out or home.scores(use_case.name) / _default_name(folder)
    return score_folder(bundle, folder, out, limits, on_progress=on_progress)


def _default_name(folder: Path) -> str:
    """Name of the Parquet file of a folder: two folders of one name have files of their own."""
    place = folder.resolve()
    digits = hashlib.sha256(os.fsencode(place)).hexdigest()[:_DIGITS]
    return f"{place.name}-{digits}.parquet"
