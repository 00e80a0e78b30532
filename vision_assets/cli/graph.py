"""`vision-assets run`: materialize the graph of a use case in this process."""

from typing import Annotated

import typer

from vision_assets.cli.output import Json, Name, say, show_json


def run(
    name: Name,
    select: Annotated[
        list[str] | None,
        typer.Option("--select", help="Asset to materialize, such as trained_model; repeatable."),
    ] = None,
    json: Json = False,
) -> None:
    """Materialize the graph of a use case through Dagster, with its log on standard error."""
    from vision_assets.execution import run_graph

    succeeded = run_graph(name, select or None)
    if json:
        show_json({"use_case": name, "succeeded": succeeded})
    elif succeeded:
        say(f"[green]{name}: all that was asked for is materialized[/]")
    else:
        say(f"[red]{name}: a step or a blocking check failed; its message is in the log above[/]")
    if not succeeded:
        raise typer.Exit(1)
