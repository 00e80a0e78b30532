"""`vision-assets explain`: what would happen now and why, and what the last thing came to."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.markup import escape

from vision_assets.cli.output import Json, Name, say, show_json, show_table
from vision_assets.home import Home

if TYPE_CHECKING:
    from vision_assets.automation.explanation import Explanation


def explain(name: Name, json: Json = False) -> None:
    """Say whether a training would start now and why, and why the last one is deployed or not.

    Changes nothing. The figures are those by which the sensor decides.
    """
    from vision_assets.automation.explanation import explain as look
    from vision_assets.execution import instance_to_look_at
    from vision_assets.project import use_case
    from vision_assets.resources.home import HomeResource

    case = use_case(name)
    with instance_to_look_at(Home.from_environment()) as dagster:
        found = look(dagster, HomeResource(), case)
    if json:
        show_json(asdict(found) | {"starts": found.starts})
    else:
        _show(found)


def _show(found: "Explanation") -> None:
    from vision_assets.automation.liveness import Daemon
    from vision_assets.vision.remedies import DAEMON_STOPPED, remedy_for

    decided = found.decision
    say(f"A training of [bold]{escape(found.use_case)}[/] {_verdict(found)}.")
    say(f"  {escape(decided.reason or decided.why_not)}")
    if found.daemon is not Daemon.RUNNING:
        remedy = remedy_for(DAEMON_STOPPED)
        say(f"  [red]{escape(remedy.means)}[/] {escape(remedy.do)} [cyan]{remedy.command}[/]")
    if found.stopped:
        say(f"  [red]Switched off by a person:[/] {escape(', '.join(found.stopped))}")
    rows = [
        (trigger.name, trigger.have, trigger.need or "off", "yes" if trigger.fires else "no")
        for trigger in decided.triggers
    ]
    rows.append(("schedule", _clock(found), "", ""))
    show_table("What starts a training", ("trigger", "have", "need", "asks for one"), rows)
    show_table("What happened last", ("", ""), _last(found))
    if found.refused:
        show_table("Refused images, open", ("reason", "images"), list(found.refused.items()))
    if found.waits:
        rows = [(str(wait), wait.whom, wait.command) for wait in found.waits]
        show_table("What waits", ("what", "for whom", "command"), rows)


def _verdict(found: "Explanation") -> str:
    if found.starts:
        return "[green]starts[/] by itself now"
    if found.decision.trains:
        return "[red]would start by itself now, and nothing starts it[/]"
    return "[yellow]does not start[/] by itself now"


def _clock(found: "Explanation") -> str:
    at = found.next_by_clock
    return "off" if at is None else f"looks at {at:%Y-%m-%d %H:%M} UTC"


def _last(found: "Explanation") -> list[tuple[str, str]]:
    last, deployed = found.last_training, found.deployed
    rows = [("trained", "never")]
    if last is not None:
        began = f"{last.began_at:%Y-%m-%d %H:%M} UTC, run {last.run_id[:8]}: {last.status}"
        rows = [("trained", began), ("because", f"{last.reason} (by {last.by})")]
    if last is not None and last.error is not None:
        rows.append(("it failed", str(last.error)))
        rows.append(("what to do", last.error.remedy.do))
    if deployed is None:
        rows.append(("answers", "nothing was deployed yet"))
    else:
        since = f"{deployed['since'][:16].replace('T', ' ')} UTC"
        rows.append(("answers", f"bundle {deployed['bundle_id']} since {since}"))
        rows.append(("deployed because", f"{deployed['why']} (by {deployed['by']})"))
    if found.stops:
        rows.extend((f"not deployed, {stop.verdict}", str(stop)) for stop in found.stops)
    elif found.undeployed and (last is None or last.error is None):
        rows.append(("not deployed", found.undeployed))
    return rows
