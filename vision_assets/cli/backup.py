"""`vision-assets backup` and `restore`."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from vision_assets.cli.output import Json, progress, say, show_json, show_table, size_text
from vision_assets.home import Home
from vision_assets.vision.errors import BackupError

_SHOWN = 20

Which = Annotated[
    str, typer.Option("--backup", metavar="NAME", help="Name of the backup; --list shows them.")
]


def backup(
    target: Annotated[
        Path, typer.Argument(metavar="TARGET", help="Folder of the backups, on another disk.")
    ],
    landing: Annotated[
        bool, typer.Option("--landing", help="Take what lies in landing folders of the home too.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Take none; read one again and check every byte.")
    ] = False,
    listing: Annotated[bool, typer.Option("--list", help="Take none; list what is there.")] = False,
    which: Which = "latest",
    json: Json = False,
) -> None:
    """Copy the home while everything runs; the second backup copies what is new."""
    if listing:
        _list(target, json)
    elif verify:
        _verify(target, which, json)
    else:
        _take(target, landing, json)


def restore(
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help="Folder of the backups.", exists=True)
    ],
    into: Annotated[
        Path | None, typer.Option(metavar="HOME", help="Where to; default: the home.")
    ] = None,
    which: Which = "latest",
    replace: Annotated[
        bool, typer.Option("--replace", help="Move a home that is there aside first.")
    ] = False,
    defs: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write the YAML of the use cases here too."),
    ] = None,
    json: Json = False,
) -> None:
    """Write a home from a backup, every byte checked; stop `vision-assets up` first."""
    from vision_assets.execution import resume_restored
    from vision_assets.keeping.backup.archive import Archive
    from vision_assets.keeping.backup.restore import restore as restore_home
    from vision_assets.keeping.only_one import only_one

    home = Home((into or Home.from_environment().root).absolute())
    without_servers = only_one(home.root) if home.root.exists() else nullcontext()
    with without_servers, progress("restoring") as on_progress:
        done = restore_home(Archive(source), which, home.root, defs, replace, on_progress)
    mended = resume_restored(home)
    said = {
        "backup": done.backup.name,
        "home": str(done.home),
        "files": len(done.backup.entries),
        "bytes": done.backup.size_bytes,
        "moved_aside": done.moved_aside and str(done.moved_aside),
        "defs": done.defs,
        "mended": mended,
    }
    if json:
        show_json(said)
        return
    rows = [(name.replace("_", " "), _text(name, value)) for name, value in said.items() if value]
    show_table("Restored", ("", ""), rows)
    if into is not None:
        say(f"Work on it with [bold]export VISION_ASSETS_HOME={home.root}[/]")


def _take(target: Path, landing: bool, json: bool) -> None:
    from vision_assets.keeping.backup.backup import take_backup
    from vision_assets.project import defs_folder

    home = Home.from_environment().root
    with progress("copying") as on_progress:
        taken = take_backup(home, defs_folder(), target.absolute(), landing, on_progress)
    backup = taken.backup
    said = {
        "backup": backup.name,
        "files": len(backup.entries),
        "bytes": backup.size_bytes,
        "new_files": taken.new_files,
        "new_bytes": taken.new_bytes,
        "vanished": taken.vanished,
        "left_out": backup.left_out,
    }
    if json:
        show_json(said)
        return
    rows = [
        ("backup", backup.name),
        ("files", f"{len(backup.entries)}, {size_text(backup.size_bytes)}"),
        ("new", f"{taken.new_files}, {size_text(taken.new_bytes)}"),
        *(("left out", f"{name}: {why}") for name, why in backup.left_out.items()),
    ]
    show_table(f"Backup of {home}", ("", ""), rows)
    if taken.vanished:
        say(f"{len(taken.vanished)} files were gone before they were copied.")


def _list(target: Path, json: bool) -> None:
    from vision_assets.keeping.backup.archive import Archive

    archive = Archive(target)
    found = [archive.read(name) for name in archive.names()]
    if json:
        show_json([{"backup": each.name, "bytes": each.size_bytes} for each in found])
        return
    rows = [(each.name, len(each.entries), size_text(each.size_bytes)) for each in found]
    show_table(f"Backups in {target}", ("backup, UTC", "files", "size"), rows)


def _verify(target: Path, which: str, json: bool) -> None:
    from vision_assets.keeping.backup.archive import Archive
    from vision_assets.keeping.backup.restore import verify

    archive = Archive(target)
    backup = archive.read(which)
    with progress("checking") as on_progress:
        wrong = verify(archive, backup, on_progress)
    if wrong:
        more = f"\n... and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise BackupError(
            f"{len(wrong)} files of backup {backup.name} cannot be restored; take a new one:\n"
            + "\n".join(wrong[:_SHOWN])
            + more
        )
    if json:
        show_json({"backup": backup.name, "files": len(backup.entries), "wrong": []})
    else:
        say(f"Backup {backup.name}: all {len(backup.entries)} files are sound.")


def _text(name: str, value: object) -> str:
    if name == "bytes" and isinstance(value, int):
        return size_text(value)
    return "\n".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
