"""`vision-assets up` and `demo`: the servers, and the main job watched from start to answer."""

import re
import signal
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vision_assets.cli.output import OUT, say, show_table, tell
from vision_assets.home import Home

if TYPE_CHECKING:
    from vision_assets.stack import Stack
    from vision_assets.vision.use_case import UseCase

DagsterPort = Annotated[int, typer.Option(help="Port of the Dagster UI.")]
MlflowPort = Annotated[int, typer.Option(help="Port of the MLflow UI.")]


def up(dagster_port: DagsterPort = 3000, mlflow_port: MlflowPort = 5000) -> None:
    """Start Dagster, MLflow and the endpoints on what is there, until Ctrl-C."""
    from vision_assets.project import use_cases
    from vision_assets.stack import Ports, Stack

    _end_by_signal()
    with Stack(Home.from_environment(), Ports(dagster_port, mlflow_port), tell) as stack:
        _show_addresses(stack, list(use_cases().values()))
        _run_until_stopped(stack)


def demo(
    images: Annotated[
        Path | None, typer.Option(help="Folder of your own labelled images.", file_okay=False)
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(help="Of the samples: classification, detection, segmentation or anomaly."),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Return instead of serving on.")] = False,
    dagster_port: DagsterPort = 3000,
    mlflow_port: MlflowPort = 5000,
    minutes: Annotated[float, typer.Option(help="How long it may take.")] = 30,
) -> None:
    """From a landing folder to an answering endpoint, through the daemon's sensors."""
    from vision_assets import demo as job
    from vision_assets.project import use_case
    from vision_assets.stack import Ports, Stack

    _end_by_signal()
    home = Home.from_environment()
    case = use_case(use_case_of(images, task) if images else _sample_use_case(home, task))
    say(f"images in [bold]{home.landing(case.spec.source.landing)}[/]")
    with Stack(home, Ports(dagster_port, mlflow_port), tell) as stack:
        _show_addresses(stack, [case])
        with OUT.status("the daemon's sensors look for new images"):
            for step in job.watch(home, case, stack, minutes * 60):
                say(f"[green]●[/] [bold]{step.asset}[/]  {step.text}")
        _show_answer(case, job.picture_to_ask(home, case))
        _show_addresses(stack, [case])
        if not once:
            say("Ctrl-C stops the servers; `make up` starts them again.")
            _run_until_stopped(stack)


def use_case_of(images: Path, task: str | None) -> str:
    """The use case whose landing folder it is; written by `init` when there is none.

    A folder of the same name elsewhere gets a number behind its name; one that does not load is
    given, so that it is told why.
    """
    from vision_assets.cli.init import begin
    from vision_assets.project import broken_use_cases, use_case_names, use_cases

    home, folder = Home.from_environment(), images.resolve()
    for case in use_cases().values():
        if home.landing(case.spec.source.landing).resolve() == folder:
            return case.name
    name = "demo_" + re.sub(r"[^a-z0-9]+", "_", folder.name.lower()).strip("_")
    if name in broken_use_cases():
        return name
    later = (f"{name}_{number}" for number in count(2))
    free = next(each for each in chain([name], later) if each not in use_case_names())
    begin(free, images, task)
    return free


def _sample_use_case(home: Home, task: str | None) -> str:
    """The sample use case of a task, with images in its landing folder; written when it is new."""
    from vision_assets.cli.init import begin
    from vision_assets.demo import demo_of, drop_samples
    from vision_assets.project import use_case, use_case_names

    demo = demo_of(task or "classification")
    is_new = demo.use_case not in use_case_names()
    said = f"landing/{demo.use_case}" if is_new else use_case(demo.use_case).spec.source.landing
    drop_samples(home.landing(said), demo.format)
    if is_new:
        begin(demo.use_case, home.landing(said), task, recipe=demo.recipe)
    return demo.use_case


def _show_answer(case: "UseCase", picture: Path) -> None:
    from vision_assets import demo as job

    answer = job.ask(case, picture)
    rows = [(name, f"{score:.3f}") for name, score in answer.get("scores", {}).items()]
    rows += [(each["label"], f"{each['score']:.3f}") for each in answer.get("objects", [])]
    rows = rows or [(answer["decision"], f"{answer['score']:.3f}")]
    show_table(f"{picture.name}: {answer['label']}", ("class", "score"), rows)


def _show_addresses(stack: "Stack", cases: "list[UseCase]") -> None:
    rows = [
        ("Dagster", f"http://127.0.0.1:{stack.ports.dagster}", "assets, runs, sensors, checks"),
        ("MLflow", f"http://127.0.0.1:{stack.ports.mlflow}", "trainings and registered models"),
        *(
            (
                f"{case.name} endpoint",
                f"http://127.0.0.1:{case.spec.service.port}",
                "drop a picture",
            )
            for case in cases
        ),
        ("home", str(stack.home.root), "all state; logs of the servers in logs/"),
    ]
    show_table("Where to look", ("what", "where", "for"), rows)


def _run_until_stopped(stack: "Stack") -> None:
    try:
        stack.run()
    except KeyboardInterrupt:
        say("stopping the servers")


def _end_by_signal() -> None:
    """Let a termination unwind as Ctrl-C does, so that the servers are stopped."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
