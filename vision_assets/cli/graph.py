"""`vision-assets run`: materialize the graph of a use case in this process."""

from typing import Annotated

import typer

from vision_assets.cli.output import Json, Name, say, show_json
from vision_assets.vision.spec import RecipeSource


def run(
    name: Name,
    select: Annotated[
        list[str] | None,
        typer.Option("--select", help="Asset to materialize, such as trained_model; repeatable."),
    ] = None,
    recipe: Annotated[
        RecipeSource,
        typer.Option(help="Train by the recipe of the YAML, or by what the last search proposes."),
    ] = "yaml",
    json: Json = False,
) -> None:
    """Materialize the graph of a use case through Dagster, with its log on standard error."""
    from vision_assets.execution import run_graph

    configuration = {} if recipe == "yaml" else {"trained_model": {"recipe": recipe}}
    succeeded = run_graph(name, select or None, configuration=configuration)
    if json:
        show_json({"use_case": name, "succeeded": succeeded})
    elif succeeded:
        say(f"[green]{name}: all that was asked for is materialized[/]")
    else:
        say(f"[red]{name}: a step or a blocking check failed; its message is in the log above[/]")
    if not succeeded:
        raise typer.Exit(1)
