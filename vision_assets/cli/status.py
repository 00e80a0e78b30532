"""`vision-assets status`: what one needs to know at three in the morning."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from vision_assets.cli.output import Json, say, show_json, show_table
from vision_assets.home import HOME_VARIABLE, Home
from vision_assets.vision.errors import StoreError

if TYPE_CHECKING:
    from vision_assets.automation.needs import Need
    from vision_assets.automation.standing import Standing

    Found = tuple["Standing | None", "list[Need]"]

_COLOURS = ("red", "yellow", "", "green")


def status(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Use case; default: a line for each.")
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Exit code 1 if anything needs a person, or if there is no home."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Show what answers, how fresh it is, what waits for whom, what failed and what to do.

    Exit code 0 whatever is found, so that scripts read it; see --check.
    """
    from vision_assets.automation.needs import Urgency, worst

    home = Home.from_environment()
    if check and not home.is_there:
        raise StoreError(
            f"expected a home in {home.root}, there is none; set {HOME_VARIABLE} to the folder "
            "where it is, or start `vision-assets up`"
        )
    found = _look(home, name)
    if json:
        show_json({each: _json(*state) for each, state in found.items()})
    elif name is None:
        _show_all(home, found)
    else:
        _show(name, *found[name])
        _show_disk(home)
    if check and any(worst(needs) <= Urgency.PERSON for _, needs in found.values()):
        raise typer.Exit(1)


def _look(home: Home, name: str | None) -> "dict[str, Found]":
    """Each use case by name; one that is broken has no standing, says so, and hides no other."""
    from vision_assets.automation.needs import damage, look
    from vision_assets.execution import instance_to_look_at
    from vision_assets.project import use_case, use_case_names
    from vision_assets.resources.home import HomeResource
    from vision_assets.vision.errors import SpecError

    found: dict[str, Found] = {}
    with instance_to_look_at(home) as dagster:
        for each in [name] if name else use_case_names():
            try:
                case = use_case(each)
            except SpecError as error:
                if name:
                    raise
                found[each] = (None, [damage(error)])
            else:
                found[each] = look(dagster, HomeResource(), case)
    return found


def _json(standing: "Standing | None", needs: "list[Need]") -> dict[str, Any]:
    from vision_assets.automation.needs import worst

    state = {} if standing is None else asdict(standing)
    return state | {"state": worst(needs).word, "needs": [asdict(need) for need in needs]}


def _show_all(home: Home, found: "dict[str, Found]") -> None:
    """One line for each use case, the worst first."""
    from vision_assets.automation.needs import worst

    ordered = sorted(found.items(), key=lambda item: (worst(item[1][1]), item[0]))
    rows = [(name, *_line(*state)) for name, state in ordered]
    styles = [_COLOURS[worst(needs)] for _, (_, needs) in ordered]
    columns = ("use case", "state", "answers", "newest image", "what to do first")
    show_table("Use cases, the worst first", columns, rows, styles)
    _show_disk(home)


def _line(standing: "Standing | None", needs: "list[Need]") -> tuple[str, str, str, str]:
    from vision_assets.automation.needs import worst
    from vision_assets.automation.standing_text import age

    state = worst(needs).word
    first = f"{needs[0].what} {needs[0].command}".strip() if needs else "-"
    if standing is None:
        return state, "-", "-", first
    answers, newest = standing.answers, standing.newest_image_at
    told = "nothing" if answers is None else f"{answers['bundle_id']}"
    if answers is not None and not answers["ready"]:
        told += ", NOT RUNNING"
    elif answers is not None and answers["others"]:
        told += ", NOT BY ALL WORKERS"
    return state, told, age(newest, datetime.now(UTC)) if newest else "-", first


def _show(name: str, standing: "Standing | None", needs: "list[Need]") -> None:
    from vision_assets.automation.needs import worst
    from vision_assets.automation.standing_text import next_steps, rows

    colour, word = _COLOURS[worst(needs)], worst(needs).word
    say(f"[bold]{escape(name)}[/]: [{colour or 'default'}]{word}[/]")
    for number, need in enumerate(next_steps(needs), start=1):
        say(f"  {number}. {escape(need.what)}")
        if need.command:
            say(f"     [cyan]{escape(need.command)}[/]")
    if standing is None:
        return
    runs = [("run", f"{run['at']} {run['job']} {run['status']}") for run in standing.runs]
    show_table(name, ("", ""), [*rows(standing, datetime.now(UTC)), *runs])


def _show_disk(home: Home) -> None:
    from vision_assets.vision.disk import disk_state

    if home.root.is_dir():
        disk = disk_state(home.root, measured=True)
        colour = "red" if disk.low else "default"
        say(f"home {escape(str(home.root))}: [{colour}]{escape(disk.text)}[/]")
