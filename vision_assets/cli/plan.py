"""`vision-assets plan`: what a change of the YAML would rebuild."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from vision_assets.cli.output import Json, say, show_error, show_json, show_table
from vision_assets.home import Home
from vision_assets.vision.errors import SpecError

if TYPE_CHECKING:
    from vision_assets.plan import Plan

_STYLES = {"rebuild": "yellow", "judge again": "cyan", "goes on": "cyan", "from now on": "green"}


def plan(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Use case; default: all.")
    ] = None,
    against: Annotated[
        str,
        typer.Option(
            metavar="REF|FILE",
            help="What to compare with: a commit, such as origin/main, or an older defs.yaml.",
        ),
    ] = "HEAD",
    json: Json = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print Markdown, for a pull request.")
    ] = False,
) -> None:
    """Show what a change of the YAML would rebuild, why, and how long it would take.

    Compares the YAML files as they are now with those of a commit. Nothing is run. Exit code 2
    if a YAML is wrong; the other use cases are planned all the same.
    """
    home = Home.from_environment()
    plans = list(_plans(home, name, against))
    if json:
        show_json([asdict(each) for each in plans])
    elif markdown:
        typer.echo("\n".join(_markdown(each) for each in plans) or "No use case.")
    else:
        for each in plans:
            _show(each)
    if any(each.kind == "broken" for each in plans):
        raise typer.Exit(2)


def _plans(home: Home, name: str | None, against: str) -> "Iterator[Plan]":
    """A plan for each use case that is there now, or was."""
    from vision_assets.plan import Plan, plan, read_use_case
    from vision_assets.project import use_case, use_case_names

    now, texts = use_case_names(), _texts(name, against)
    if name and name not in {*now, *texts}:
        use_case(name)
    for each in [name] if name else sorted({*now, *texts}):
        text = texts.get(each)
        try:
            before = None if text is None else read_use_case(each, text, f"{each} of {against}")
            yield plan(home, before, use_case(each) if each in now else None)
        except SpecError as error:
            yield Plan(each, "broken", error=str(error))


def _texts(name: str | None, against: str) -> dict[str, str]:
    """The text of each `defs.yaml` as it was, by use case."""
    from vision_assets.earlier import at_commit
    from vision_assets.project import defs_folder

    if not Path(against).is_file():
        return at_commit(defs_folder(), against)
    if name is None:
        raise SpecError(f"expected the use case that {against} is compared with: NAME")
    return {name: Path(against).read_text(encoding="utf-8")}


def _show(plan: "Plan") -> None:
    if plan.kind == "unchanged":
        say(f"[bold]{plan.use_case}[/]: unchanged, nothing to rebuild")
        return
    if plan.error:
        show_error(SpecError(plan.error), about=plan.use_case)
    rows = [(step.asset, step.verdict.value, step.why) for step in plan.steps]
    styles = [_STYLES.get(step.verdict.value, "dim") for step in plan.steps]
    if rows:
        show_table(f"{plan.use_case}, {plan.kind}", ("asset", "what", "why"), rows, styles)
    for line in [] if plan.error else _remarks(plan):
        say(escape(line))
    if plan.command:
        say(f"  [cyan]{escape(plan.command)}[/]")


def _remarks(plan: "Plan") -> list[str]:
    """What a table has no place for."""
    if plan.error:
        return [f"The YAML is wrong: {plan.error}"]
    remarks = [f"{change}: read by {when}" for change, when in (plan.elsewhere or {}).items()]
    if plan.kind == "removed":
        remarks.append(
            f"{plan.use_case} is removed: its assets leave the graph, its endpoint ends with the "
            "next start of the servers, what it has stored stays in the home."
        )
    elif plan.training:
        remarks.append(
            f"Training: about {_duration(plan.training.expected_s)} by its epochs; the last one, "
            f"model {plan.training.model_id}, took {_duration(plan.training.seconds)} for "
            f"{plan.training.epochs} epochs."
        )
    elif plan.trains:
        remarks.append("Training: yes; how long is not known, nothing was trained in this home.")
    elif plan.kind == "changed":
        remarks.append("Training: none.")
    return remarks


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _markdown(plan: "Plan") -> str:
    lines = [f"### `{plan.use_case}`: {plan.kind}", ""]
    if plan.steps and plan.kind != "unchanged":
        lines += ["| asset | what | why |", "|---|---|---|"]
        lines += [f"| {s.asset} | {s.verdict.value} | {_cell(s.why)} |" for s in plan.steps]
        lines.append("")
    lines += [f"{_cell(remark)}\n" for remark in _remarks(plan)]
    if plan.command:
        lines += ["```sh", plan.command, "```", ""]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;").replace("`", "'")
