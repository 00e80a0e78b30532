"""`vision-assets search`: look for a better recipe, or show what the last search found."""

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from vision_assets.cli.output import Json, Name, say, show_json, show_table
from vision_assets.home import Home

if TYPE_CHECKING:
    from vision_assets.vision.search.proposal import Proposal

_STYLES = {"finished": "", "running": "cyan", "pruned": "dim", "failed": "red"}


def search(
    name: Name,
    trials: Annotated[
        int | None, typer.Option(min=1, help="Trials of the study; default: the YAML's.")
    ] = None,
    parallel: Annotated[
        int | None, typer.Option(min=1, help="Trials at a time; default: the YAML's.")
    ] = None,
    show: Annotated[
        bool, typer.Option("--show", help="Search nothing; show the last search.")
    ] = False,
    json: Json = False,
) -> None:
    """Materialize recipe_search, trial by trial, and show the trials and the proposal.

    A search that was interrupted goes on; one that has its trials is shown as it is.
    """
    from vision_assets.project import use_case

    case = use_case(name)
    if not show and not _materialize(name, trials, parallel):
        say(f"[red]{name}: the search failed; its message is in the log above[/]")
        raise typer.Exit(1)
    found = _found(name)
    if json:
        show_json(found)
    else:
        _show(name, case.task, found)


def _materialize(name: str, trials: int | None, parallel: int | None) -> bool:
    from vision_assets.assets.graph import SEARCH
    from vision_assets.execution import run_graph

    asked = {"trials": trials, "parallel": parallel}
    given = {key: value for key, value in asked.items() if value is not None}
    return run_graph(name, [SEARCH], configuration={SEARCH: given}, log_level="INFO")


def _found(name: str) -> dict[str, Any]:
    """The trials of the study that was written last, and the proposal."""
    from vision_assets.vision.search.proposal import read_proposal
    from vision_assets.vision.search.study import latest_question, opened

    root = Home.from_environment().searches(name)
    question, proposal = latest_question(root), read_proposal(root)
    if question is None:
        return {"study": None, "trials": [], "proposal": None}
    with opened(root, question) as study:
        trials = study.trials()
    return {
        "study": question.name,
        "metric": question.metric,
        "trials": [vars(trial) for trial in trials],
        "proposal": proposal and proposal.model_dump(mode="json"),
    }


def _show(name: str, task: str, found: dict[str, Any]) -> None:
    from vision_assets.vision.search.proposal import Proposal
    from vision_assets.vision.search.trial import Trial

    if found["study"] is None:
        say(f"nothing was searched yet; [bold]vision-assets search {name}[/] does")
        return
    rows = [Trial(**entry).row() for entry in found["trials"]]
    styles = [_STYLES.get(row["state"], "dim") for row in rows]
    columns = list(rows[0]) if rows else []
    show_table(f"Study {found['study']}", columns, [list(row.values()) for row in rows], styles)
    if found["proposal"]:
        _show_proposal(name, task, Proposal.model_validate(found["proposal"]))


def _show_proposal(name: str, task: str, proposal: "Proposal") -> None:
    from vision_assets.vision.tasks.registry import load_task

    said = f"{proposal.source}: {proposal.metric} {proposal.value:.4g} on the val split"
    say(f"[green]proposal: {escape(said)}[/]\n")
    say(escape(proposal.as_yaml(load_task(task))))
    say(f"[bold]vision-assets run {name} --recipe proposal[/] trains with it")
