"""`vision-assets propose` and `proposals`: a model annotates, a person decides."""

from dataclasses import asdict
from typing import Annotated

import typer

from vision_assets.cli.output import Author, Json, Name, progress, say, show_json, show_table
from vision_assets.home import Home
from vision_assets.serving.bundles import NAMES, find_bundle
from vision_assets.user import by_whom
from vision_assets.vision.errors import SpecError


def propose(
    name: Name,
    bundle: Annotated[str, typer.Option(help=f"Who proposes: {NAMES}")] = "champion",
    limit: Annotated[int, typer.Option(help="Images in one go.", min=1)] = 1000,
    json: Json = False,
) -> None:
    """Let a model annotate images without an annotation, for a person to look at.

    A proposal is no annotation: nothing is learned from it until somebody accepts it.
    """
    from vision_assets.project import use_case
    from vision_assets.vision.auto_annotation import propose as propose_for
    from vision_assets.vision.store.image_store import ImageStore

    home, case = Home.from_environment(), use_case(name)
    store, chosen = ImageStore.open(home.store(name)), find_bundle(home, name, bundle)
    with progress("proposing") as on_progress:
        made = propose_for(store, chosen, case.spec, limit, on_progress)
    if json:
        show_json(asdict(made))
        return
    counts = {"proposed": made.proposed, "unsure": made.unsure, "waiting": made.waiting}
    counts |= {"refused": len(made.refused)}
    show_table(f"Proposals of bundle {made.bundle_id}", ("what", "images"), list(counts.items()))
    say(f"Look at them: [cyan]vision-assets proposals {name}[/]")


def proposals(
    name: Name,
    items: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Proposals; none: list them.")
    ] = None,
    accept: Annotated[bool, typer.Option("--accept", help="They become annotations.")] = False,
    reject: Annotated[bool, typer.Option("--reject", help="They are left out.")] = False,
    show: Annotated[int, typer.Option(help="Rows of the list to print.", min=0)] = 20,
    author: Author = None,
    json: Json = False,
) -> None:
    """List what models propose, the least sure first; accept or reject what was looked at."""
    from vision_assets.project import use_case
    from vision_assets.vision.store.image_store import ImageStore
    from vision_assets.vision.store.proposals import open_proposals, settle_proposals

    store = ImageStore.open(Home.from_environment().store(use_case(name).name))
    if items:
        if accept == reject:
            raise SpecError("expected one of --accept and --reject for the proposals named")
        settled = settle_proposals(store, items, accept, author or by_whom())
        counts = {"accepted" if accept else "rejected": settled}
        if json:
            show_json(counts)
        else:
            show_table(f"Proposals of {name}", ("what", "images"), list(counts.items()))
        return
    found = open_proposals(store)
    if json:
        show_json(found.to_dict("records"))
        return
    columns = ("proposal_id", "source", "label", "score", "author")
    rows = [
        tuple(f"{row[column]}" for column in columns)
        for row in found[list(columns)].round(3).head(show).to_dict("records")
    ]
    show_table(f"Open proposals of {name}: {len(found)}", columns, rows)
