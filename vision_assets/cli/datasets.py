"""`vision-assets dataset`: list, compare and export dataset versions."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from vision_assets.cli.output import Json, Name, say, show_json, show_table
from vision_assets.home import Home
from vision_assets.vision.manifest import SPLITS

if TYPE_CHECKING:
    from vision_assets.vision.dataset.versions import DatasetVersion, DatasetVersions

app = typer.Typer(help="List, compare and export dataset versions.", no_args_is_help=True)

Version = Annotated[
    str, typer.Argument(metavar="VERSION", help="latest, a number such as v3, or a fingerprint.")
]


@app.command("list")
def list_versions(name: Name, json: Json = False) -> None:
    """List the versions of a use case's dataset, oldest first."""
    from vision_assets.vision.store.image_store import ImageStore

    versions = _versions(name).list()
    store = ImageStore.open(Home.from_environment().store(name))
    erased = {version.name: version.erased(store) for version in versions}
    if json:
        show_json([_summary(v) | {"erased": erased[v.name]} for v in versions])
        return
    rows = [
        (
            version.name,
            f"{version.created_at:%Y-%m-%d %H:%M}",
            _splits(version),
            ", ".join(f"{kind} {n}" for kind, n in version.changes.items() if n),
            _VALID[version.valid],
            str(len(erased[version.name]) or ""),
        )
        for version in versions
    ]
    headings = ("version", "made, UTC", "images", "changes", "valid", "erased since")
    show_table(f"Versions of {name}", headings, rows)


@app.command("diff")
def diff(
    name: Name,
    old: Version,
    new: Annotated[str, typer.Argument(metavar="NEW", help="What to compare with.")] = "latest",
    json: Json = False,
) -> None:
    """Show what changed between two versions."""
    from vision_assets.vision.dataset.difference import difference

    versions = _versions(name)
    before, after = versions.get(old), versions.get(new)
    changes = difference(before.manifest(), after.manifest())
    if json:
        show_json({"old": before.name, "new": after.name, **vars(changes)})
        return
    rows = list(changes.counts.items())
    show_table(f"From {before.name} to {after.name}", ("change", "images"), rows)


@app.command("export")
def export(
    name: Name,
    version: Version,
    to: Annotated[Path, typer.Option(help="Folder to create.", file_okay=False)],
    format: Annotated[str, typer.Option(help="folders, coco, voc or yolo.")] = "folders",
    json: Json = False,
) -> None:
    """Write the images of a version and what is said of them, for other tools to read."""
    from vision_assets.vision.dataset.export import export as export_version
    from vision_assets.vision.store.image_store import ImageStore

    chosen = _versions(name).get(version)
    store = ImageStore.open(Home.from_environment().store(name))
    exported = export_version(chosen, store, to, format)
    if json:
        show_json({"version": chosen.name, "format": format, **vars(exported)})
        return
    say(f"{exported.n_images} images of {chosen.name} are in [bold]{escape(str(to))}[/] ({format})")
    if exported.erased:
        say(f"[yellow]{len(exported.erased)} images of it were erased and are not there.[/]")
    if exported.without_objects:
        n = exported.without_objects
        say(f"[yellow]{n} images have a label and no list of objects; they are not there.[/]")
    for loss in exported.losses:
        say(f"[yellow]Not in this format: {escape(loss)}.[/]")


def _versions(name: str) -> "DatasetVersions":
    from vision_assets.project import use_case
    from vision_assets.vision.dataset.versions import DatasetVersions

    return DatasetVersions(Home.from_environment().datasets(use_case(name).name))


def _summary(version: "DatasetVersion") -> dict[str, Any]:
    return {
        "name": version.name,
        "number": version.number,
        "fingerprint": version.fingerprint,
        "created_at": version.created_at.isoformat(),
        "parent": version.parent,
        "valid": version.valid,
        "changes": version.changes,
        "counts": version.counts,
    }


def _splits(version: "DatasetVersion") -> str:
    """Images per split, such as `train 180, val 60, test 60`."""
    totals: Counter[str] = Counter()
    for counts in version.counts.values():
        totals.update(counts)
    order = [*SPLITS, *sorted(totals.keys() - set(SPLITS))]
    return ", ".join(f"{split} {totals[split]}" for split in order if totals[split])


_VALID = {True: "yes", False: "no", None: "not checked"}
