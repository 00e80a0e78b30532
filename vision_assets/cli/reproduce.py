"""`vision-assets reproduce`: train a recorded model again, and say whether it is the same."""

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vision_assets.cli.output import ERR, Json, Name, say, show_json, show_table
from vision_assets.home import Home
from vision_assets.vision.errors import SpecError

if TYPE_CHECKING:
    from vision_assets.vision.training.reproduce import Reproduction
    from vision_assets.vision.training.trained_model import TrainedModel
    from vision_assets.vision.use_case import UseCase


def reproduce(
    name: Name,
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="Version in MLflow's registry, or a model id.")
    ],
    json: Json = False,
) -> None:
    """Train a model again from what was recorded, and compare the weights bit by bit.

    Nothing of it is kept. Exit code 1 if the weights are others; what differs is listed.
    """
    from vision_assets.project import use_case

    case = use_case(name)
    home = Home.from_environment()
    trained = _recorded(home, case, model)
    found = _again(home, case, trained)
    if json:
        show_json(asdict(found) | {"same": found.same})
    else:
        _show(found, trained)
    if not found.same:
        raise typer.Exit(1)


def _recorded(home: Home, case: "UseCase", model: str) -> "TrainedModel":
    """The model that a version or an id names.

    Raises:
        SpecError: there is none.
    """
    from vision_assets.resources.tracking import registered_models
    from vision_assets.vision.training.trained_model import TrainedModel

    registered = registered_models(home, case.name)
    folder = home.models(case.name) / registered.get(model, model)
    if not folder.is_dir():
        known = ", ".join(f"{version} ({id})" for version, id in registered.items())
        raise SpecError(
            f"expected a registered version of {case.name} or a model id, got {model!r}; there "
            f"are: {known or 'none'}"
        )
    return TrainedModel.load(folder)


def _again(home: Home, case: "UseCase", trained: "TrainedModel") -> "Reproduction":
    from vision_assets.vision.dataset.versions import DatasetVersions
    from vision_assets.vision.store.image_store import ImageStore
    from vision_assets.vision.tasks.registry import load_task
    from vision_assets.vision.training.pixel_cache import PixelCache
    from vision_assets.vision.training.reproduce import reproduce as train_again

    version = DatasetVersions(home.datasets(case.name)).get(trained.dataset["name"])
    store = ImageStore.open(home.store(case.name))
    with tempfile.TemporaryDirectory() as scratch:
        return train_again(
            load_task(case.task),
            trained,
            version.manifest(),
            version.erased(store),
            store.read,
            Path(scratch),
            on_epoch=lambda report: _tell(report.line()),
            say=_tell,
            cache=PixelCache(home.pixel_cache),
            files=home.root,
        )


def _tell(line: str) -> None:
    """How far it is, on standard error."""
    ERR.print(line, highlight=False, markup=False, soft_wrap=True)


def _show(found: "Reproduction", trained: "TrainedModel") -> None:
    if found.same:
        say(f"[green]{trained.model_id}: the same weights, bit by bit[/]")
    else:
        say(f"[red]{trained.model_id}: other weights[/]")
        say(f"recorded SHA-256 {found.recorded_sha256}, now {found.found_sha256}")
    rows = [(each.fact, each.recorded, each.now) for each in found.differences]
    if rows:
        show_table("What is not as it was", ("fact", "recorded", "now"), rows)
    elif not found.same:
        say(
            "Nothing that is recorded differs: a training on CUDA need not repeat itself, and "
            "processors of other kinds may add in another order."
        )
