"""Which release wrote a home, and whether this one may write to it.

<home>/home.json    schema version of the home, written once and by migrations
"""

import json
from collections.abc import Callable, Sequence
from importlib.metadata import version as release_of
from pathlib import Path

from vision_assets.vision.atomic import write_text
from vision_assets.vision.errors import HomeVersionError
from vision_assets.vision.migrations import dataset_changes
from vision_assets.vision.migrations.migration import Migration, Step, steps

MIGRATIONS: tuple[Migration, ...] = (dataset_changes.MIGRATION,)
"""All of them, in order; the last one leads to the version that this release writes."""
_FILE = "home.json"


def current_version(migrations: Sequence[Migration] = MIGRATIONS) -> int:
    """The schema version that this release reads and writes."""
    return migrations[-1].to


def home_version(home: Path, migrations: Sequence[Migration] = MIGRATIONS) -> int:
    """The schema version of a home.

    A home without `home.json` was written before there was one; it is as old as what it lacks.

    Raises:
        HomeVersionError: the file is damaged.
    """
    path = home / _FILE
    try:
        return int(json.loads(path.read_text())["schema_version"])
    except FileNotFoundError:
        lacking = [step.migration.to - 1 for step in steps(home, 0, migrations) if step.todo]
        return min(lacking, default=current_version(migrations))
    except (ValueError, KeyError, TypeError) as error:
        raise HomeVersionError(
            f"{path} is damaged ({error}); restore it from a backup, or remove it: what the home "
            "lacks is then found by looking"
        ) from error


def refuse_newer(home: Path, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Refuse a home that a newer release has written.

    Raises:
        HomeVersionError: it was.
    """
    found, current = home_version(home, migrations), current_version(migrations)
    if found > current:
        raise HomeVersionError(
            f"{home} is of schema version {found}, this release ({_release()}) knows {current}: "
            "use the release that wrote it, or a newer one; nothing was touched"
        )


def refuse_other(home: Path, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Refuse a home that is not of the version which this release writes.

    Raises:
        HomeVersionError: another release wrote it.
    """
    refuse_newer(home, migrations)
    found, current = home_version(home, migrations), current_version(migrations)
    if found < current:
        raise HomeVersionError(
            f"{home} is of schema version {found}, written by an older release; this one writes "
            f"{current}: run `vision-assets migrate --dry-run`, then "
            "`vision-assets migrate --backup TARGET`, which copies the home first"
        )


def require_current(home: Path, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Let this release write to a home; one that has no version yet gets it.

    Raises:
        HomeVersionError: another release wrote it.
    """
    refuse_other(home, migrations)
    if home.is_dir() and not (home / _FILE).exists():
        _write(home, current_version(migrations))


def migrate(
    home: Path,
    migrations: Sequence[Migration] = MIGRATIONS,
    on_step: Callable[[Step], None] = lambda step: None,
) -> int:
    """Bring a home to the version of this release; run again, it goes on where it was.

    Args:
        home: while nothing else writes to it.
        migrations: in order.
        on_step: called when one is done.

    Returns:
        The version that it has now.

    Raises:
        HomeVersionError: a newer release wrote it.
    """
    refuse_newer(home, migrations)
    for step in steps(home, home_version(home, migrations), migrations):
        step.migration.apply(home)
        _write(home, step.migration.to)
        on_step(step)
    require_current(home, migrations)
    return home_version(home, migrations)


def pending(home: Path, migrations: Sequence[Migration] = MIGRATIONS) -> list[Step]:
    """What `migrate` would do; nothing is changed.

    Raises:
        HomeVersionError: a newer release wrote it.
    """
    refuse_newer(home, migrations)
    return list(steps(home, home_version(home, migrations), migrations))


def _write(home: Path, schema_version: int) -> None:
    said = {"schema_version": schema_version, "written_by": _release()}
    write_text(home / _FILE, json.dumps(said, indent=2))


def _release() -> str:
    return f"vision_assets {release_of('vision-assets')}"
