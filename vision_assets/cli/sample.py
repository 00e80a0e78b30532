"""`vision-assets sample`: draw pictures of machined surfaces."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from vision_assets.cli.output import Json, progress, say, show_json, show_table, size_text

_NO_WARTS = {
    "broken": 0,
    "duplicates": 0,
    "near_duplicates": 0,
    "conflicts": 0,
    "wrong_annotations": 0,
}


def sample(
    to: Annotated[Path, typer.Option(help="Folder to draw into.", file_okay=False)],
    n: Annotated[int, typer.Option(help="Number of sound, distinct pictures.", min=1)] = 300,
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.", min=0)] = 0,
    clean: Annotated[
        bool,
        typer.Option("--clean", help="Nothing broken, twice or contradictory."),
    ] = False,
    format: Annotated[
        str,
        typer.Option(help="What is said of them: pattern (names), voc, coco, yolo, masks, mvtec."),
    ] = "pattern",
    annotations: Annotated[
        Path | None,
        typer.Option(help="Folder for boxes (JSON) and masks (PNG).", file_okay=False),
    ] = None,
    json: Json = False,
) -> None:
    """Draw pictures of machined surfaces with defects, as a line's cameras would name them."""
    from vision_assets.vision.samples.write import PATTERN, write_samples

    with progress("drawing") as on_progress:
        report = write_samples(
            to,
            n,
            seed,
            format=format,
            annotations=annotations,
            on_progress=on_progress,
            **(_NO_WARTS if clean else _warts(n)),
        )
    if json:
        show_json(asdict(report) | {"n_files": report.n_files, "pattern": PATTERN})
        return
    extra = {
        "broken": report.broken,
        "exact duplicates": report.duplicates,
        "near duplicates": report.near_duplicates,
        "label conflicts": report.conflicts,
        "wrong annotations, among them": report.wrong_annotations,
    }
    rows = [*sorted(report.labels.items()), *((kind, len(names)) for kind, names in extra.items())]
    show_table(f"Drawn into {to}", ("what", "files"), rows)
    say(f"{report.n_files} files, {size_text(report.size_bytes)}. Pattern of the names:")
    say(f"  [cyan]{escape(PATTERN)}[/]")


def _warts(n: int) -> dict[str, int]:
    """What a delivery of `n` pictures has wrong with it; 300 have 3, 4, 3 and 1."""
    if n < 20:
        return _NO_WARTS
    shares = {
        "broken": 100,
        "duplicates": 75,
        "near_duplicates": 100,
        "conflicts": 300,
        "wrong_annotations": 100,
    }
    return {wart: max(1, n // share) for wart, share in shares.items()}
