"""`vision-assets suspects`: labels that a person should look at again."""

from typing import Annotated

import typer
from rich.markup import escape

from vision_assets.cli.output import Json, Name, say, show_json, show_table
from vision_assets.home import Home
from vision_assets.serving.bundles import LATEST, NAMES, find_bundle


def suspects(
    name: Name,
    bundle: Annotated[
        str, typer.Option(help=f"Whose embeddings images are compared by: {NAMES}")
    ] = LATEST,
    dataset: Annotated[str, typer.Option(help="Version whose labels are looked at.")] = "latest",
    show: Annotated[int, typer.Option(help="Rows of the table to print.", min=0)] = 20,
    json: Json = False,
) -> None:
    """List labels that are probably wrong; `vision-assets label` takes the edited table."""
    from vision_assets.project import use_case
    from vision_assets.vision.dataset.versions import DatasetVersions
    from vision_assets.vision.evaluation.label_suspicion import suspect_labels
    from vision_assets.vision.evaluation.suspects_page import write_suspects
    from vision_assets.vision.store.image_store import ImageStore

    home, case = Home.from_environment(), use_case(name)
    chosen = find_bundle(home, case.name, bundle)
    version = DatasetVersions(home.datasets(case.name)).get(dataset)
    read = ImageStore.open(home.store(case.name)).read
    suspicion = suspect_labels(version.manifest(), chosen, read, version.name)
    page = write_suspects(suspicion, case.name, read, home.suspicions(case.name))
    rows = suspicion.suspects.to_dict("records")
    if json:
        found = {"n": suspicion.n, "share": suspicion.share, "suspects": rows}
        show_json(found | {"page": str(page.html), "csv": str(page.csv)})
        return
    columns = ("source", "label", "suggested", "suggested_probability")
    shown = [
        (f"{row['source']}", row["label"], row["suggested"], f"{row['suggested_probability']:.3f}")
        for row in rows[:show]
    ]
    show_table(f"Labels of {name} to look at", columns, shown)
    say(
        f"{len(rows)} of {suspicion.n} labels are suspected; about {100 * suspicion.share:.1f} % "
        "may be wrong."
    )
    say(f"Pictures: [bold]{escape(str(page.html))}[/]")
    say(f"Mend the column `label` in [bold]{escape(str(page.csv))}[/], then:")
    say(f"  [cyan]vision-assets label {escape(name)} {escape(str(page.csv))}[/]")
