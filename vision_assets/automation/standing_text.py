"""How a use case stands, in words: rows for a table of the terminal or the UI."""

from datetime import UTC, datetime

from vision_assets.automation.needs import Need
from vision_assets.automation.standing import Standing

TOLD = 3
"""Things to do that are told at once."""


def next_steps(found: list[Need]) -> list[Need]:
    """The most urgent things to do."""
    return found[:TOLD]


def rows(standing: Standing, now: datetime | None = None) -> list[tuple[str, str]]:
    """Name and value of each line.

    Args:
        standing: of a use case.
        now: ages are told beside times where it is given.
    """
    dataset, model_at = standing.dataset, standing.model_at
    newest = standing.newest_image_at
    made_at = datetime.fromisoformat(dataset["created_at"]) if dataset else None
    version = f"{dataset['name']}, one of {dataset['versions']}, " if dataset else ""
    return [
        *_answers(standing, now),
        ("images", f"{standing.images}, {standing.labelled} of them labelled"),
        ("newest image", _at(newest, now)),
        ("last version", version + _at(made_at, now) if dataset else "-"),
        ("last training", _at(model_at, now)),
        ("not deployed", _undeployed(standing)),
        ("waiting files", _files(standing)),
        ("open in quarantine", str(standing.quarantined)),
        *(("waits for " + wait.whom, str(wait)) for wait in standing.waits),
        ("failed", _failed(standing, now)),
        ("daemon", standing.daemon.value),
        ("alerts not delivered", "; ".join(standing.undelivered) or "-"),
        ("switched off", ", ".join(standing.stopped) or "-"),
    ]


def markdown(standing: Standing | None, found: list[Need]) -> str:
    """The same for Dagster's UI; says nothing that changes by the mere passing of time.

    Args:
        standing: of a use case; None where it cannot be looked at.
        found: what is to be done.
    """
    lines = [f"1. {_step(need)}" for need in next_steps(found)] or ["Nothing."]
    told = [] if standing is None else rows(standing)
    table = [f"| {name} | {_cell(value)} |" for name, value in told]
    return "\n".join(["**What to do**", "", *lines, "", "| | |", "|---|---|", *table])


def age(then: datetime, now: datetime) -> str:
    """How long ago, such as `3 h ago`."""
    minutes = max(0.0, (now - then).total_seconds() / 60)
    if minutes < 120:
        return f"{minutes:.0f} min ago"
    hours = minutes / 60
    return f"{hours:.0f} h ago" if hours < 72 else f"{hours / 24:.0f} days ago"


def _answers(standing: Standing, now: datetime | None) -> list[tuple[str, str]]:
    if standing.damaged:
        return [("answers", f"not known: {standing.damaged}")]
    if standing.answers is None:
        return [("answers", "nothing was deployed yet")]
    answers = standing.answers
    state = "ready" if answers["ready"] else "NOT RUNNING"
    since = _at(datetime.fromisoformat(answers["since"]), now)
    return [
        ("answers", f"bundle {answers['bundle_id']} on port {answers['port']}, {state}"),
        ("since", f"{since}, by {answers['by']}: {answers['why']}"),
        ("but not by all", "; ".join(answers["others"]) or "-"),
        ("trained on", answers["dataset"].get("name", "-")),
    ]


def _undeployed(standing: Standing) -> str:
    """Without repeating the run that failed, which has a line of its own."""
    failed, why = standing.failed, standing.undeployed or "-"
    return "see below, failed" if failed and str(failed.error) in why else why


def _files(standing: Standing) -> str:
    waiting = standing.waiting
    return "the landing folder cannot be listed" if waiting is None else str(waiting)


def _failed(standing: Standing, now: datetime | None) -> str:
    failed = standing.failed
    return (
        "-" if failed is None else f"{_at(failed.at, now)}, run {failed.run_id[:8]}: {failed.error}"
    )


def _at(then: datetime | None, now: datetime | None) -> str:
    if then is None:
        return "-"
    told = f"{then.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return told if now is None else f"{told} ({age(then, now)})"


def _step(need: Need) -> str:
    return f"{need.what} `{need.command}`" if need.command else need.what


def _cell(value: str) -> str:
    return value.replace("|", "\\|").replace("\n", " ")
