"""Searches, comparisons and lists of suspected labels that nobody waits for."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from vision_assets.home import Home
from vision_assets.keeping.housekeeping.item import Item, remove_folder, written_before, written_s
from vision_assets.keeping.housekeeping.protection import Protection
from vision_assets.vision.disk import size_of
from vision_assets.vision.errors import TrainingError
from vision_assets.vision.search.proposal import read_proposal
from vision_assets.vision.use_case import UseCase


def old_work(home: Home, case: UseCase, stays: Protection) -> Iterator[Item]:
    """What `keep.work_days` lets go; the newest of each kind and the proposal's search stay."""
    days, name = case.spec.keep.work_days, case.name
    if days is None:
        return
    kinds = {
        "search": home.searches(name),
        "comparison": home.comparisons(name),
        "list of suspects": home.suspicions(name),
    }
    kept = _proposed(home.searches(name))
    for kind, root in kinds.items():
        folders = [path for path in root.glob("[!.]*") if path.is_dir()]
        newest = max(folders, key=_last_written_s, default=None)
        for folder in sorted(set(folders) - {newest}):
            old = written_before(_newest_file(folder), days)
            if old and folder.name != kept and _last_written_s(folder) < stays.since_s:
                why, remove = f"older than {days} days", partial(remove_folder, folder)
                yield Item(kind, name, folder.name, size_of(folder), why, remove)


def _proposed(root: Path) -> str | None:
    """The search whose best recipe is the proposal; a damaged proposal keeps none."""
    try:
        proposal = read_proposal(root)
    except TrainingError:
        return None
    return None if proposal is None else proposal.study


def _newest_file(folder: Path) -> Path:
    return max(folder.iterdir(), key=written_s, default=folder)


def _last_written_s(folder: Path) -> float:
    return written_s(_newest_file(folder))
