"""`vision-assets doctor`: whether this machine and this home can do the work."""

import os
import platform
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, metadata, version
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from vision_assets.cli.output import Json, show_json, show_table
from vision_assets.command import output_of
from vision_assets.home import Home
from vision_assets.vision.errors import SpecError

if TYPE_CHECKING:
    from packaging.requirements import Requirement

PACKAGE = "vision-assets"
_GIT_TIMEOUT_S = 10.0
SERVER_PORTS = {"Dagster UI": 3000, "MLflow UI": 5000}


class Verdict(StrEnum):
    """How a check ended; `problem` alone makes the command fail."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


_COLOURS = {Verdict.OK: "green", Verdict.NOTE: "yellow", Verdict.PROBLEM: "red"}


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: what.
        verdict: how it ended.
        found: what is there.
        remedy: what to do, where it is not ok.
    """

    name: str
    verdict: Verdict
    found: str
    remedy: str = ""


def doctor(json: Json = False) -> None:
    """Check Python, packages, disk, home, ports, service environment, use cases and git.

    Changes nothing. Exit code 1 if there is a problem; notes do not count.
    """
    home = Home.from_environment()
    checks = [check for look in _LOOKS for check in look(home)]
    if json:
        show_json([asdict(check) for check in checks])
    else:
        rows = [(check.name, check.verdict.value, check.found, check.remedy) for check in checks]
        styles = [_COLOURS[check.verdict] for check in checks]
        show_table("Doctor", ("what", "verdict", "found", "what to do"), rows, styles)
    if any(check.verdict is Verdict.PROBLEM for check in checks):
        raise typer.Exit(1)


def _python(_: Home) -> Iterator[Check]:
    from packaging.specifiers import SpecifierSet

    running, wanted = platform.python_version(), metadata(PACKAGE)["Requires-Python"]
    fits = SpecifierSet(wanted).contains(running)
    remedy = "" if fits else f"make the environment with a Python {wanted}"
    yield Check("Python", Verdict.OK if fits else Verdict.PROBLEM, running, remedy)


def _packages(_: Home) -> Iterator[Check]:
    """One line if all fit, else one for each that does not."""
    from packaging.requirements import Requirement

    texts = metadata(PACKAGE).get_all("Requires-Dist") or []
    wanted = [Requirement(text) for text in texts if "extra ==" not in text]
    wrong = [(need, found) for need in wanted if (found := _misfit(need)) is not None]
    for need, found in wrong:
        yield Check(need.name, Verdict.PROBLEM, found, f"install {need}: run `make setup`")
    if not wrong:
        yield Check("packages", Verdict.OK, f"all {len(wanted)} as required")


def _misfit(need: "Requirement") -> str | None:
    """What is there instead of a requirement; None where it is met."""
    try:
        found = version(need.name)
    except PackageNotFoundError:
        return "not installed"
    return None if need.specifier.contains(found, prereleases=True) else found


def _disk(home: Home) -> Iterator[Check]:
    """As whatever fills the disk is held against it, a quota among it."""
    from vision_assets.vision.disk import LITTLE_FREE_BYTES, disk_state

    try:
        state = disk_state(home.root)
    except SpecError as error:
        yield Check("disk", Verdict.PROBLEM, str(error), "correct the variable")
        return
    if state.low:
        remedy = "nothing new is taken until there is room"
        yield Check("disk", Verdict.PROBLEM, state.text, remedy)
    elif state.free_bytes < LITTLE_FREE_BYTES:
        remedy = f"have {LITTLE_FREE_BYTES / 1e9:.0f} GB free, or move the home"
        yield Check("disk", Verdict.NOTE, state.text, remedy)
    else:
        yield Check("disk", Verdict.OK, state.text)


def _home(home: Home) -> Iterator[Check]:
    from vision_assets.vision.disk import nearest

    folder = nearest(home.root)
    writable = folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
    found = str(home.root) + ("" if home.root.exists() else ", not made yet")
    remedy = "" if writable else f"get the right to write to {folder}, or set VISION_ASSETS_HOME"
    yield Check("home", Verdict.OK if writable else Verdict.PROBLEM, found, remedy)


def _ports(_: Home) -> Iterator[Check]:
    for name, port in SERVER_PORTS.items():
        yield _port(name, port)


def _port(name: str, port: int) -> Check:
    with socket.socket() as probe:
        probe.settimeout(1)
        taken = probe.connect_ex(("127.0.0.1", port)) == 0
    remedy = "fine where it is ours; else stop what listens there" if taken else ""
    found = f"port {port} {'answers' if taken else 'is free'}"
    return Check(name, Verdict.NOTE if taken else Verdict.OK, found, remedy)


def _use_cases(_: Home) -> Iterator[Check]:
    """Every YAML, and the port of its endpoint."""
    from vision_assets.project import use_case, use_case_names

    for name in use_case_names():
        try:
            case = use_case(name)
        except SpecError as error:
            yield Check(f"use case {name}", Verdict.PROBLEM, str(error), "correct the YAML file")
        else:
            yield Check(f"use case {name}", Verdict.OK, f"loads, {case.task}")
            yield _port(f"endpoint {name}", case.spec.service.port)


def _service_environment(home: Home) -> Iterator[Check]:
    from vision_assets.serving.environment import environments_folder

    folder = environments_folder(home)
    pythons = list(folder.glob("*/bin/python"))
    found = f"{len(pythons)} in {folder}" if pythons else f"none in {folder}"
    remedy = "" if pythons else "built on first use, or by `make setup`"
    yield Check("service environment", Verdict.OK if pythons else Verdict.NOTE, found, remedy)


def _webhook(home: Home) -> Iterator[Check]:
    """Who is told of failures, and whether messages get there."""
    from vision_assets.automation.outbox import Outbox
    from vision_assets.automation.webhook import URL_VARIABLE, Webhook

    if Webhook.from_environment() is None:
        yield Check("webhook", Verdict.OK, f"{URL_VARIABLE} is not set, nobody is told of failures")
        return
    failed = Outbox(home.alerts).undelivered()
    if not failed:
        yield Check("webhook", Verdict.OK, "set, every message was delivered")
        return
    remedy = f"see that the receiver runs and that {URL_VARIABLE} names it"
    found = f"messages not delivered: {len(failed)}, {failed[-1].error}"
    yield Check("webhook", Verdict.PROBLEM, found, remedy)


def _git(_: Home) -> Iterator[Check]:
    """The commit, which is recorded as the code version of models."""
    git = shutil.which("git")
    if git is None:
        yield Check("git", Verdict.NOTE, "not installed", "install git to record the code version")
        return
    command, folder = [git, "rev-parse", "--short", "HEAD"], Path(__file__).parent
    try:
        commit = output_of(command, _GIT_TIMEOUT_S, SpecError, cwd=folder).strip()
    except SpecError:
        yield Check("git", Verdict.NOTE, "no commit", "run from a clone to record the code version")
    else:
        yield Check("git", Verdict.OK, f"commit {commit}")


_LOOKS: tuple[Callable[[Home], Iterator[Check]], ...] = (
    _python,
    _packages,
    _disk,
    _home,
    _ports,
    _use_cases,
    _service_environment,
    _webhook,
    _git,
)
