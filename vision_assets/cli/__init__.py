"""The command line, `vision-assets`: thin commands over the functions of the project.

Exit codes: 0 fine, 1 the job failed or found problems, 2 wrong usage or a wrong YAML file.
"""

import sys

import typer
from typer.core import TyperGroup

from vision_assets.cli import (
    backup,
    compare,
    containerize,
    datasets,
    doctor,
    explain,
    graph,
    housekeeping,
    ingest,
    init,
    migrate,
    people,
    plan,
    proposals,
    reproduce,
    sample,
    score,
    search,
    servers,
    service,
    status,
    suspects,
)
from vision_assets.cli.output import show_error
from vision_assets.home import Home
from vision_assets.vision.errors import SpecError, VisionAssetsError
from vision_assets.vision.migrations.home_version import refuse_newer, require_current

FAILED = 1
WRONG_USAGE = 2


class _Group(TyperGroup):
    """Turns the project's errors into a message and an exit code."""

    def invoke(self, ctx: typer.Context) -> object:
        try:
            return super().invoke(ctx)
        except VisionAssetsError as error:
            show_error(error)
            sys.exit(WRONG_USAGE if isinstance(error, SpecError) else FAILED)


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    help=(
        "Machine vision as assets: from a landing folder to an answering endpoint.\n\n"
        "Exit codes: 0 fine, 1 the job failed or found problems, 2 wrong usage or a wrong YAML "
        "file. State lives in the folder that VISION_ASSETS_HOME names."
    ),
)

_WRITES = frozenset(
    {
        *("ingest", "run", "search", "reproduce", "compare", "suspects"),
        *("label", "propose", "proposals", "annotate", "resolve", "remove"),
        *("demo", "up", "rollback", "score", "housekeeping", "pin", "unpin"),
    }
)
"""Commands that a home of another release refuses; the others read what they can."""
_ANY_HOME = frozenset({"restore", "doctor", "migrate"})


@app.callback()
def check_home(ctx: typer.Context) -> None:
    if ctx.invoked_subcommand in _WRITES:
        require_current(Home.from_environment().root)
    elif ctx.invoked_subcommand not in _ANY_HOME:
        refuse_newer(Home.from_environment().root)


_START, _WORK, _PEOPLE, _SERVE = "Start", "Work", "Images and people", "Serve"
_KEEP = "Keep in order"

app.command("init", rich_help_panel=_START)(init.init)
app.command("sample", rich_help_panel=_START)(sample.sample)
app.command("demo", rich_help_panel=_START)(servers.demo)
app.command("doctor", rich_help_panel=_START)(doctor.doctor)
app.command("status", rich_help_panel=_WORK)(status.status)
app.command("explain", rich_help_panel=_WORK)(explain.explain)
app.command("ingest", rich_help_panel=_WORK)(ingest.ingest)
app.command("run", rich_help_panel=_WORK)(graph.run)
app.command("plan", rich_help_panel=_WORK)(plan.plan)
app.command("search", rich_help_panel=_WORK)(search.search)
app.add_typer(datasets.app, name="dataset", rich_help_panel=_WORK)
app.command("reproduce", rich_help_panel=_WORK)(reproduce.reproduce)
app.command("compare", rich_help_panel=_WORK)(compare.compare)
app.command("suspects", rich_help_panel=_PEOPLE)(suspects.suspects)
app.command("label", rich_help_panel=_PEOPLE)(people.label)
app.command("propose", rich_help_panel=_PEOPLE)(proposals.propose)
app.command("proposals", rich_help_panel=_PEOPLE)(proposals.proposals)
app.command("annotate", rich_help_panel=_PEOPLE)(people.annotate)
app.command("resolve", rich_help_panel=_PEOPLE)(people.resolve)
app.command("remove", rich_help_panel=_PEOPLE)(people.remove)
app.command("up", rich_help_panel=_SERVE)(servers.up)
app.command("serve", rich_help_panel=_SERVE)(service.serve)
app.command("predict", rich_help_panel=_SERVE)(service.predict)
app.command("rollback", rich_help_panel=_SERVE)(service.rollback)
app.command("score", rich_help_panel=_SERVE)(score.score)
app.command("containerize", rich_help_panel=_SERVE)(containerize.containerize)
app.command("backup", rich_help_panel=_KEEP)(backup.backup)
app.command("restore", rich_help_panel=_KEEP)(backup.restore)
app.command("housekeeping", rich_help_panel=_KEEP)(housekeeping.housekeeping)
app.command("pin", rich_help_panel=_KEEP)(housekeeping.pin)
app.command("unpin", rich_help_panel=_KEEP)(housekeeping.unpin)
app.command("migrate", rich_help_panel=_KEEP)(migrate.migrate)
