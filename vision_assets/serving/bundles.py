"""Finding a bundle by what people call it."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from vision_assets.home import Home
from vision_assets.vision.errors import BundleError, DeploymentError, SpecError

if TYPE_CHECKING:
    from vision_assets.vision.inference.bundle import Bundle, Card

CHAMPION, LATEST = "champion", "latest"
NAMES = "champion (what answers now), latest, the id of a bundle or of a model."


def find_bundle(home: Home, use_case: str, name: str) -> "Bundle":
    """The bundle of that name, verified; of others no more than the card is read.

    Args:
        home: where it lies.
        use_case: whose it is.
        name: `champion`, `latest`, or the id of a bundle or of a model that has one bundle.

    Raises:
        SpecError: there is none of that name, or several.
        DeploymentError: nothing is deployed, so there is no champion.
        BundleError: it is damaged, there are none at all, or which is the latest cannot be told.
    """
    from vision_assets.vision.inference.bundle import Bundle

    if name == CHAMPION:
        return Bundle.load(_champion(home, use_case))
    folders = {folder.name: folder for folder in _folders(home, use_case)}
    if not folders:
        raise BundleError(
            f"{use_case} has no bundles yet; materialize its graph: vision-assets run {use_case}"
        )
    return Bundle.load(folders.get(name) or _by_card(use_case, folders.values(), name))


def _champion(home: Home, use_case: str) -> Path:
    from vision_assets.serving.deployments import Deployments

    deployments = Deployments(home.deployments(use_case))
    current = deployments.current()
    if current is None:
        raise DeploymentError(
            f"{use_case} has no deployment, so there is no {CHAMPION}; run "
            f"`vision-assets run {use_case}` first, or name a bundle by its id"
        )
    return deployments.bundle_folder(current)


def _folders(home: Home, use_case: str) -> list[Path]:
    """Folders of whole bundles; those that are being written begin with a dot."""
    root = home.bundles(use_case)
    if not root.is_dir():
        return []
    return sorted(folder for folder in root.iterdir() if not folder.name.startswith("."))


def _by_card(use_case: str, folders: Iterable[Path], name: str) -> Path:
    """The folder whose card says that it is the latest, or of the model of that id."""
    cards, unread = _cards(folders)
    if name == LATEST:
        if unread:
            raise BundleError(
                f"which bundle of {use_case} is the latest cannot be told; name one by its id, or "
                f"mend: {'; '.join(unread)}"
            )
        return max(cards, key=lambda folder: cards[folder].created_at)
    found = {folder: card for folder, card in cards.items() if card.model_id == name}
    if len(found) != 1:
        there = [
            f"{folder.name} (model {card.model_id})" for folder, card in (found or cards).items()
        ]
        there += [f"one that cannot be read ({why})" for why in unread]
        raise SpecError(
            f"expected {CHAMPION}, {LATEST}, or the id of one bundle or model of {use_case}, got "
            f"{name!r}; there are: {', '.join(there)}"
        )
    return next(iter(found))


def _cards(folders: Iterable[Path]) -> "tuple[dict[Path, Card], list[str]]":
    """The cards that can be read, and why others cannot."""
    from vision_assets.vision.inference.bundle import read_card

    cards, unread = {}, []
    for folder in folders:
        try:
            cards[folder] = read_card(folder)
        except BundleError as error:
            unread.append(str(error))
    return cards, unread
