"""Why a run failed: what its first failed step raised, in one line."""

import re
from dataclasses import dataclass

import dagster as dg

from vision_assets.vision.remedies import Remedy, remedy_for

LINE_LENGTH = 400
_FAILURES = {dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE}


@dataclass(frozen=True)
class RunError:
    """Why a run failed.

    Attributes:
        kind: class of the error, such as `DatasetError`; `RunFailure` where nothing was raised.
        step: of the run, such as `parts__trained_model`; empty where no step failed.
        line: the message, in one line.
    """

    kind: str
    step: str
    line: str

    @property
    def asset(self) -> str:
        """Key of the asset whose step failed; empty where no step did."""
        return self.step.replace("__", "/", 1)

    @property
    def remedy(self) -> Remedy:
        """What to do about it."""
        return remedy_for(self.kind)

    def __str__(self) -> str:
        return f"{self.asset}: {self.line}" if self.step else self.line


def error_of(instance: dg.DagsterInstance, run_id: str) -> RunError:
    """Why a run failed: of its failed steps the first one."""
    records = instance.get_records_for_run(run_id, of_type=_FAILURES).records
    entries = [record.event_log_entry for record in records]
    steps = [entry for entry in entries if entry.step_key]
    for entry in steps or entries:
        return _error(entry)
    return RunError("RunFailure", "", "the run ended without a message; its log is in the UI")


def _error(entry: dg.EventLogEntry) -> RunError:
    event = entry.dagster_event
    data = event.event_specific_data if event is not None else None
    error = getattr(data, "error", None)
    step = entry.step_key or ""
    if error is None:
        return RunError("RunFailure", step, one_line(entry.user_message or entry.message))
    # Dagster wraps what an asset raised; what that was caused by is for the log.
    while (error.cls_name or "").startswith("Dagster") and error.cause is not None:
        error = error.cause
    kind = error.cls_name or "RunFailure"
    message = re.sub(rf"^[\w.]*{re.escape(kind)}: ", "", error.message)
    return RunError(kind, step, one_line(message))


def one_line(text: str) -> str:
    """A message as one line of bounded length."""
    line = " ".join(text.split())
    return line if len(line) <= LINE_LENGTH else f"{line[: LINE_LENGTH - 1]}…"
