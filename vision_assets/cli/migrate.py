"""`vision-assets migrate`: a home of an older release becomes one of this release."""

from pathlib import Path
from typing import Annotated

import typer

from vision_assets.cli.output import Json, say, show_json, show_table
from vision_assets.home import Home
from vision_assets.vision.errors import SpecError


def migrate(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done; change nothing.")
    ] = False,
    backup: Annotated[
        Path | None, typer.Option(metavar="TARGET", help="Take a backup there first.")
    ] = None,
    no_backup: Annotated[
        bool, typer.Option("--no-backup", help="There is a backup already; take none.")
    ] = False,
    json: Json = False,
) -> None:
    """Bring a home that an older release wrote up to this one; stop `up` first."""
    from vision_assets.keeping.backup.backup import KEEPING_LOCK, take_backup
    from vision_assets.keeping.only_one import only_one
    from vision_assets.project import defs_folder
    from vision_assets.vision.file_lock import file_lock
    from vision_assets.vision.migrations import home_version

    home = Home.from_environment().root
    before, steps = home_version.home_version(home), home_version.pending(home)
    rows = [(step.migration.to, line) for step in steps for line in step.todo]
    if steps and not dry_run:
        if (backup is None) == (not no_backup):
            raise SpecError(
                "say what becomes of the home before it is changed: --backup TARGET copies it "
                "first, --no-backup says that there is a backup"
            )
        with only_one(home):
            if backup is not None:
                take_backup(home, defs_folder(), backup.absolute())
            with file_lock(home / KEEPING_LOCK, wait_s=10):
                home_version.migrate(home)
    after = home_version.home_version(home)
    if json:
        todo = [{"to": to, "what": line} for to, line in rows]
        show_json({"before": before, "now": after, "steps": todo, "dry_run": dry_run})
        return
    if rows:
        show_table("Would be done" if dry_run else "Done", ("version", "what"), rows)
    said = "nothing to do" if not steps else f"{len(rows)} changes"
    say(f"{home}: schema version {after}, {said}")
