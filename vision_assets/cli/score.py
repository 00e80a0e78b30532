"""`vision-assets score`: the answers for a whole folder as one Parquet file."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from vision_assets.cli.output import Json, Name, progress, say, show_json, show_table
from vision_assets.home import Home
from vision_assets.serving.bundles import CHAMPION, NAMES


def score(
    name: Name,
    folder: Annotated[Path, typer.Argument(help="Folder of images.", exists=True, file_okay=False)],
    out: Annotated[
        Path | None,
        typer.Option(
            help="Parquet file; default: scores/<use case>/<name>-<digits>.parquet in the home."
        ),
    ] = None,
    bundle: Annotated[str, typer.Option(help=f"Who answers: {NAMES}")] = CHAMPION,
    json: Json = False,
) -> None:
    """Answer every file of a folder, one row each; files that were answered before are kept.

    Refused files are rows with a reason. A run that is killed is gone on with by the next one.
    """
    from vision_assets.project import use_case
    from vision_assets.serving.scoring import score_use_case
    from vision_assets.vision.scoring.summary import summarise

    home, case = Home.from_environment(), use_case(name)
    with progress("scoring") as on_progress:
        report = score_use_case(home, case, folder, out, bundle, on_progress)
    summary = summarise(report.out)
    counts = {
        "labels": dict(summary.labels),
        "decisions": dict(summary.decisions),
        "refused files": dict(summary.refused),
    }
    if json:
        show_json(asdict(report) | counts)
        return
    for title, found in counts.items():
        if found:
            show_table(f"{name}, {title}", ("", "files"), list(found.items()))
    say(
        f"{report.files} files, {report.scored} of them scored now, in {report.seconds:.1f} s: "
        f"[bold]{report.out}[/]"
    )
