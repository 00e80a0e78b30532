"""`vision-assets demo` and `up`: the whole platform on this machine."""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from vision_assets.cli.output import OUT, say, show_table
from vision_assets.home import Home

if TYPE_CHECKING:
    from vision_assets.stack import Ports
    from vision_assets.vision.use_case import UseCase

SAMPLE_USE_CASE = "surface"
_DEADLINE_S = 1800.0
_IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")

DagsterPort = Annotated[int, typer.Option("--dagster-port", help="Port of the Dagster UI.")]
MlflowPort = Annotated[int, typer.Option("--mlflow-port", help="Port of the MLflow UI.")]


def up(dagster_port: DagsterPort = 3000, mlflow_port: MlflowPort = 5000) -> None:
    """Start Dagster, MLflow and the endpoints of what is deployed; Ctrl-C stops them."""
    from vision_assets.project import use_cases
    from vision_assets.stack import Ports, Stack

    home, ports = Home.from_environment(), Ports(dagster_port, mlflow_port)
    with Stack(home, ports, say=_said) as stack:
        _show_where(ports, list(use_cases().values()), home)
        _until_interrupted(stack.run)


def demo(
    images: Annotated[
        Path | None,
        typer.Option(help="Folder of one's own images; default: drawn ones.", exists=True),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Stop the servers and return.")] = False,
    deadline_s: Annotated[float, typer.Option(help="Give up after so long.")] = _DEADLINE_S,
    dagster_port: DagsterPort = 3000,
    mlflow_port: MlflowPort = 5000,
) -> None:
    """Take images from the landing folder to an answering endpoint, by the sensors alone."""
    from vision_assets.demo import ask, drop_samples, watch
    from vision_assets.stack import Ports, Stack

    home, ports = Home.from_environment(), Ports(dagster_port, mlflow_port)
    started = time.monotonic()
    case = _case_of(images, home) if images else _sample_case()
    landing = images or drop_samples(home, case)
    say(f"Images are in [bold]{escape(str(landing))}[/]; the sensor takes them from here.")
    with Stack(home, ports, say=_said) as stack:
        for step in watch(home, case, stack, deadline_s):
            seconds = time.monotonic() - started
            say(f"[dim]{seconds:5.0f} s[/]  [bold]{step.asset}[/]  {escape(step.text)}")
        picture = _a_picture(landing)
        answer = ask(case, picture)
        say(f"{escape(picture.name)}: [green]{escape(answer['label'])}[/] ({answer['score']:.3f})")
        _show_where(ports, [case], home)
        if not once:
            say("Ctrl-C stops the servers.")
            _until_interrupted(stack.run)


def _sample_case() -> "UseCase":
    from vision_assets.project import use_case

    return use_case(SAMPLE_USE_CASE)


def _case_of(images: Path, home: Home) -> "UseCase":
    """The use case of a folder of one's own; its YAML is written once, inside the home."""
    from vision_assets.cli.init import landing_of
    from vision_assets.project import DEFS_VARIABLE, use_case
    from vision_assets.vision.formats.look import look
    from vision_assets.vision.formats.use_case_yaml import write_yaml

    name = re.sub(r"[^a-z0-9]+", "_", f"my_{images.resolve().name}".lower()).strip("_")
    defs = home.root / "defs"
    if not (defs / name / "defs.yaml").exists():
        path = write_yaml(look(images), name, defs, landing=landing_of(images, home))
        say(f"Use case [bold]{name}[/] is written to {escape(str(path))}")
    os.environ[DEFS_VARIABLE] = str(defs)
    return use_case(name)


def _a_picture(landing: Path) -> Path:
    """The first image that can be decoded."""
    from vision_assets.vision.errors import ImageRefused, LandingUnreadable
    from vision_assets.vision.inference.decode import decode

    for path in sorted(landing.rglob("*")):
        if path.suffix.lower() in _IMAGE_SUFFIXES:
            try:
                decode(path.read_bytes())
            except ImageRefused:
                continue
            return path
    raise LandingUnreadable(f"expected an image in {landing} to ask the endpoint about, got none")


def _until_interrupted(run: Callable[[], None]) -> None:
    try:
        run()
    except KeyboardInterrupt:
        say("Stopping the servers.")


def _said(text: str) -> None:
    OUT.print(text, markup=False, highlight=False, soft_wrap=True)


def _show_where(ports: "Ports", cases: "list[UseCase]", home: Home) -> None:
    from vision_assets.demo import endpoint_url

    rows = [
        ("Dagster UI", f"http://127.0.0.1:{ports.dagster}"),
        ("MLflow UI", f"http://127.0.0.1:{ports.mlflow}"),
        *((f"endpoint {case.name}", endpoint_url(case)) for case in cases),
        ("logs", home.logs),
    ]
    show_table("Where to look", ("what", "where"), rows)
