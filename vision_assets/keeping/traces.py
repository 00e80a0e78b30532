"""What still shows an image after its bytes were erased: copies of pixels beside the store."""

from collections.abc import Collection
from pathlib import Path

from vision_assets.home import Home
from vision_assets.vision.dataset.versions import DatasetVersions
from vision_assets.vision.errors import BundleError
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.inference.golden import GOLDEN_FILE

REMAINS = (
    ("golden.npz of bundles and Bentos", "keep.models and keep.models_days, once others are live"),
    ("reports, cards, comparisons, copies in MLflow", "the same, and keep.work_days"),
    ("contact sheets in Dagster's event log", "keep.runs_days"),
    ("backups", "removing those taken before"),
)
"""Where pictures may be, and what clears them."""


def bundles_with(home: Home, use_case: str, ids: Collection[str]) -> list[str]:
    """Bundles with golden images that may show one of the images.

    Those whose dataset version held one, and those that cannot be read: nobody knows what they
    show.
    """
    wanted, held = set(ids), set()
    for version in DatasetVersions(home.datasets(use_case)).list():
        if not wanted.isdisjoint(version.manifest()["image_id"]):
            held.add(version.name)
    folders = sorted(home.bundles(use_case).glob(f"*/{GOLDEN_FILE}"))
    return [path.parent.name for path in folders if _may_show(path.parent, held)]


def _may_show(folder: Path, held: Collection[str]) -> bool:
    """Whether a bundle is of one of these dataset versions, or cannot be read."""
    try:
        return Bundle.load(folder).card.dataset.get("name") in held
    except BundleError:
        return True
