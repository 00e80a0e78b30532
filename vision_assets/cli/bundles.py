"""Finding a bundle by what people call it."""

from pathlib import Path
from typing import TYPE_CHECKING

from vision_assets.home import Home
from vision_assets.vision.errors import BundleError, SpecError

if TYPE_CHECKING:
    from vision_assets.vision.inference.bundle import Bundle

CHAMPION, LATEST = "champion", "latest"
NAMES = "champion (what answers now), latest, the id of a bundle or of a model."


def find_bundle(home: Home, use_case: str, name: str) -> "Bundle":
    """The bundle of that name, verified.

    Args:
        home: where it lies.
        use_case: whose it is.
        name: `champion`, `latest`, or the id of a bundle or of a model that has one bundle.

    Raises:
        SpecError: there is none of that name, or several.
        BundleError: it is damaged, or there are none at all.
    """
    from vision_assets.vision.inference.bundle import Bundle

    if name == CHAMPION:
        return Bundle.load(_champion(home, use_case))
    bundles = [Bundle.load(folder) for folder in _folders(home, use_case)]
    if not bundles:
        raise BundleError(
            f"{use_case} has no bundles yet; materialize its graph: vision-assets run {use_case}"
        )
    if name == LATEST:
        return max(bundles, key=lambda bundle: bundle.card.created_at)
    found = [each for each in bundles if name in (each.bundle_id, each.card.model_id)]
    if len(found) != 1:
        there = [f"{each.bundle_id} (model {each.card.model_id})" for each in found or bundles]
        raise SpecError(
            f"expected {CHAMPION}, {LATEST}, or the id of one bundle or model of {use_case}, got "
            f"{name!r}; there are: {', '.join(there)}"
        )
    return found[0]


def _champion(home: Home, use_case: str) -> Path:
    from vision_assets.serving.deployments import Deployments

    deployments = Deployments(home.deployments(use_case))
    current = deployments.current()
    if current is None:
        raise SpecError(f"nothing of {use_case} is deployed yet, so there is no {CHAMPION}")
    return deployments.bundle_folder(current)


def _folders(home: Home, use_case: str) -> list[Path]:
    """Folders of whole bundles; those that are being written begin with a dot."""
    root = home.bundles(use_case)
    if not root.is_dir():
        return []
    return sorted(folder for folder in root.iterdir() if not folder.name.startswith("."))
