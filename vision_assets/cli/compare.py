"""`vision-assets compare`: two models of a use case, image by image."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from vision_assets.cli.output import Json, Name, say, show_json, show_table
from vision_assets.home import Home
from vision_assets.serving.bundles import NAMES, find_bundle

if TYPE_CHECKING:
    from vision_assets.vision.evaluation.comparison import Comparison

_STYLES = {"fixed": "green", "broken": "red", "changed": "yellow", "unchanged": ""}


def compare(
    name: Name,
    first: Annotated[str, typer.Argument(metavar="A", help=NAMES)],
    second: Annotated[str, typer.Argument(metavar="B", help="The other one, named alike.")],
    dataset: Annotated[str, typer.Option(help="Version whose test split is asked.")] = "latest",
    json: Json = False,
) -> None:
    """Show what B mends and what it breaks of A, on the test images that neither learned from."""
    from vision_assets.project import use_case
    from vision_assets.vision.dataset.versions import DatasetVersions
    from vision_assets.vision.evaluation import comparison as comparing
    from vision_assets.vision.evaluation.evaluate import evaluate
    from vision_assets.vision.evaluation.learned import unseen
    from vision_assets.vision.store.image_store import ImageStore
    from vision_assets.vision.tasks.registry import load_task

    home, case = Home.from_environment(), use_case(name)
    one, other = (find_bundle(home, case.name, said) for said in (first, second))
    versions = DatasetVersions(home.datasets(case.name))
    manifest = versions.get(dataset).manifest()
    test = manifest[manifest["split"] == "test"]
    rows = unseen(test, versions, [one.card, other.card])
    read = ImageStore.open(home.store(case.name)).read
    task = load_task(case.task)
    compared = comparing.compare(evaluate(task, one, rows, read), evaluate(task, other, rows, read))
    compared = comparing.with_pictures(compared, one, other, read)
    page = comparing.write_comparison(compared, home.comparisons(case.name))
    if json:
        show_json(_summary(compared) | {"left_out": len(test) - len(rows), "page": str(page)})
        return
    rows_shown = [(kind, n) for kind, n in compared.counts.items()]
    title = f"From {compared.first.bundle_id} to {compared.second.bundle_id}"
    show_table(title, ("images", "n"), rows_shown, [_STYLES[kind] for kind in compared.counts])
    say(escape(compared.text))
    if len(test) > len(rows):
        say(f"{len(test) - len(rows)} test images are left out: one of the two learned from them.")
    say(f"Pictures: [bold]{escape(str(page))}[/]")


def _summary(compared: "Comparison") -> dict[str, object]:
    images = compared.images
    return {
        "first": compared.first.bundle_id,
        "second": compared.second.bundle_id,
        "n": len(images),
        "right": {"first": compared.n_right[0], "second": compared.n_right[1]},
        "counts": compared.counts,
        "p_value": compared.p_value,
        "images": {
            kind: images.loc[images["kind"] == kind, "image_id"].tolist()
            for kind in compared.counts
            if kind != "unchanged"
        },
    }
