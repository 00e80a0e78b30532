"""Housekeeping of a home: what would go, and letting it go."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import dagster as dg
from sqlalchemy.exc import SQLAlchemyError

from vision_assets.home import Home
from vision_assets.keeping.backup.backup import KEEPING_LOCK
from vision_assets.keeping.housekeeping import leftovers
from vision_assets.keeping.housekeeping.events import old_events
from vision_assets.keeping.housekeeping.item import Item
from vision_assets.keeping.housekeeping.models import old_models
from vision_assets.keeping.housekeeping.protection import Protection, protection
from vision_assets.keeping.housekeeping.runs import old_runs
from vision_assets.keeping.housekeeping.work import old_work
from vision_assets.vision.errors import StoreError, VisionAssetsError
from vision_assets.vision.file_lock import file_lock
from vision_assets.vision.use_case import UseCase

_LOCK_WAIT_S = 10.0


@dataclass(frozen=True)
class Plan:
    """What housekeeping would do.

    Attributes:
        items: in the order of removal.
        stays: of each use case, what is protected and why.
        refused: why nothing of a use case is removed, such as a damaged log; by use case.
    """

    items: tuple[Item, ...]
    stays: dict[str, Protection]
    refused: dict[str, str]

    @property
    def size_bytes(self) -> int:
        """What it frees."""
        return sum(item.size_bytes for item in self.items)


@dataclass(frozen=True)
class Done:
    """What housekeeping did.

    Attributes:
        removed: what is gone.
        failed: what could not be removed, and why, in words.
    """

    removed: tuple[Item, ...]
    failed: tuple[tuple[Item, str], ...]


def plan(
    home: Home,
    cases: Sequence[UseCase],
    instance: dg.DagsterInstance,
    of_home: bool = True,
    broken: Mapping[str, Exception] = MappingProxyType({}),
) -> Plan:
    """Look, and change nothing.

    Args:
        home: the home.
        cases: the use cases that are looked at.
        instance: the home's Dagster instance.
        of_home: whether runs, logs and caches, which all use cases share, are looked at too.
        broken: use cases that do not load, and why: what they keep is not known, so all stays.
    """
    items: list[Item] = []
    stays, refused = {}, {name: str(error) for name, error in broken.items()}
    for case in cases:
        try:
            stays[case.name] = protection(home, case, instance)
            items += _of_use_case(home, case, stays[case.name])
        except VisionAssetsError as error:
            refused[case.name] = str(error)
    if of_home:
        kept_days = {case.name: case.spec.keep.runs_days for case in cases}
        items += _of_home(home, instance, kept_days | dict.fromkeys(broken))
    return Plan(tuple(items), stays, refused)


def carry_out(
    home: Home, items: Iterable[Item], on_item: Callable[[Item], None] = lambda item: None
) -> Done:
    """Remove; one that fails is told and does not stop the others.

    Raises:
        StoreLocked: a backup is being taken.
    """
    removed, failed = [], []
    with file_lock(home.root / KEEPING_LOCK, _LOCK_WAIT_S):
        for item in items:
            try:
                item.remove()
            except (StoreError, OSError, SQLAlchemyError) as error:
                failed.append((item, str(error)))
            else:
                removed.append(item)
            on_item(item)
    return Done(tuple(removed), tuple(failed))


def _of_use_case(home: Home, case: UseCase, stays: Protection) -> Iterator[Item]:
    yield from old_models(home, case, stays)
    yield from old_work(home, case, stays)
    yield from leftovers.quarantined(home, case)
    yield from leftovers.tables(home, case)


def _of_home(
    home: Home, instance: dg.DagsterInstance, runs_days: Mapping[str, int | None]
) -> Iterator[Item]:
    yield from old_runs(home, instance, runs_days)
    yield from old_events(instance, runs_days)
    yield from leftovers.logs(home)
    yield from leftovers.caches(home)
    yield from leftovers.cut_off(home, instance)
