"""`vision-assets init`: look at a folder of images and write the use case's YAML."""

from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from vision_assets.cli.output import Json, Name, progress, say, show_json, show_table
from vision_assets.home import Home

if TYPE_CHECKING:
    from vision_assets.vision.formats.look import Findings

_SHOWN = 5


def init(
    name: Name,
    images: Annotated[Path, typer.Option(help="Folder of images.", file_okay=False, exists=True)],
    task: Annotated[
        str | None, typer.Option(help="Task of the use case; default: what fits the annotations.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look, and write nothing.")] = False,
    json: Json = False,
) -> None:
    """Look at a folder of images, say what is there, and write the YAML of a use case."""
    begin(name, images, task, dry_run=dry_run, json=json)


def begin(
    name: str,
    images: Path,
    task: str | None = None,
    *,
    recipe: Mapping[str, Any] | None = None,
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Do what `init` does; the YAML also says the recipe, where one is given."""
    from vision_assets.components.of_task import component_of
    from vision_assets.vision.formats.look import look
    from vision_assets.vision.formats.task_proposal import propose_task
    from vision_assets.vision.formats.use_case_yaml import write_yaml

    if task is not None:
        component_of(task)
    with progress("looking") as on_progress:
        findings = look(images, on_progress)
    proposal = propose_task(findings)
    if not json:
        _show(findings)
        say(f"Task: [bold]{task or proposal.task}[/]{_reason(task, proposal.because)}")
    component, kind = component_of(task or proposal.task)
    written = None
    if not dry_run:
        from vision_assets.project import defs_folder

        landing = landing_of(images, Home.from_environment())
        written = write_yaml(
            findings,
            name,
            defs_folder(),
            landing=landing,
            component=component,
            gates=kind.spec_type.model_fields["gates"].get_default(),
            port=_free_port(),
            recipe=recipe or {},
        )
    if json:
        chosen = {"task": task or proposal.task, "proposed": vars(proposal)}
        show_json(_as_json(findings) | chosen | {"written": written})
    elif written is not None:
        say(f"\nWritten: [bold]{escape(str(written))}[/]. Next: [cyan]vision-assets run {name}[/]")


def _reason(named: str | None, because: str) -> str:
    return ", as you say" if named else f": {escape(because)}. Another one: --task"


def _free_port() -> int:
    """The first port of endpoints that no use case has."""
    from vision_assets.project import taken_ports
    from vision_assets.vision.formats.use_case_yaml import FIRST_PORT

    taken = taken_ports()
    return next(port for port in count(FIRST_PORT) if port not in taken)


def landing_of(images: Path, home: Home) -> str:
    """The landing folder as YAML says it: relative inside the home, so that it can move."""
    folder = images.resolve()
    root = home.root.resolve()
    return folder.relative_to(root).as_posix() if folder.is_relative_to(root) else str(folder)


def _show(findings: "Findings") -> None:
    say(f"[bold]{escape(str(findings.folder))}[/]: {escape(findings.layout.because)}")
    if findings.layout.pattern:
        say(f"  pattern [cyan]{escape(findings.layout.pattern)}[/]")
    show_table("Found", ("what", "how many"), list(_counts(findings)))
    if findings.classes:
        few = findings.few
        shown = findings.objects.objects if findings.objects is not None else {}
        rows = [
            (name, n, shown.get(name, 0) if shown else "", "few" if name in few else "")
            for name, n in findings.classes.items()
        ]
        show_table("Classes", ("class", "images", "objects" if shown else "", ""), rows)
    _list("Broken", [f"{entry.path}: {entry.reason}" for entry in findings.broken])
    if findings.objects is not None:
        _list("Wrong in annotations", findings.objects.faults, findings.objects.n_faults.total())
    _list("Same bytes", [" = ".join(paths) for paths in findings.duplicates])
    _list("Masks, not counted as images", findings.masks)
    for warning in _warnings(findings):
        say(f"[yellow]{escape(warning)}[/]")


def _counts(findings: "Findings") -> list[tuple[str, int]]:
    sizes = list(findings.sizes.items())[:3]
    more = sum(findings.sizes.values()) - sum(count for _, count in sizes)
    return [
        ("images", findings.n_images),
        ("unlabelled", findings.unlabelled),
        *_object_counts(findings),
        *((f"split {name}", count) for name, count in findings.splits.items()),
        *((f"values of {name}", count) for name, count in findings.attributes.items()),
        *findings.formats.items(),
        *((f"{width}x{height} px", count) for (width, height), count in sizes),
        *([("other sizes", more)] if more else []),
        ("broken", len(findings.broken)),
        ("groups of the same bytes", len(findings.duplicates)),
        *((f"other files {suffix}", count) for suffix, count in findings.others.items()),
    ]


def _object_counts(findings: "Findings") -> list[tuple[str, int]]:
    found = findings.objects
    if found is None:
        return []
    return [
        ("annotated", found.n_annotated),
        ("of them without objects", found.n_empty),
        ("objects", found.objects.total()),
        *((f"wrong: {kind}", n) for kind, n in sorted(found.n_faults.items())),
    ]


def _list(title: str, lines: Sequence[str], n: int | None = None) -> None:
    """The first lines of a list; `n` where it has more than are known."""
    if not lines:
        return
    n = len(lines) if n is None else n
    say(f"[bold]{title}[/] ({n})")
    for line in lines[:_SHOWN]:
        say(f"  {escape(line)}")
    if n > _SHOWN:
        say(f"  and {n - _SHOWN} more")


def _warnings(findings: "Findings") -> list[str]:
    warnings = []
    if findings.truncated:
        warnings.append("There are more files than were looked at; the counts are too small.")
    if findings.n_decoded < findings.n_images:
        warnings.append(
            f"Decoded an even sample of {findings.n_decoded} images; more may be broken."
        )
    if findings.few:
        warnings.append(f"Hardly any images: {', '.join(findings.few)}. Add some, or merge them.")
    if not findings.classes:
        warnings.append("No labels were found: images are taken unlabelled, and nothing trains.")
    return warnings


def _as_json(findings: "Findings") -> dict[str, Any]:
    found = dict(vars(findings))
    found["layout"] = vars(findings.layout)
    found["objects"] = vars(findings.objects) if findings.objects is not None else None
    found["broken"] = [vars(entry) for entry in findings.broken]
    found["sizes"] = {f"{width}x{height}": n for (width, height), n in findings.sizes.items()}
    return found | {"few": findings.few}
