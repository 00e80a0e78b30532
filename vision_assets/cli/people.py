"""`vision-assets label`, `annotate`, `resolve` and `remove`: what people decide of images."""

from json import loads
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from vision_assets.cli.output import Author, Json, Name, say, show_json, show_table
from vision_assets.home import Home
from vision_assets.user import by_whom
from vision_assets.vision.errors import SpecError

if TYPE_CHECKING:
    from vision_assets.vision.spec import LabelSource
    from vision_assets.vision.store.image_store import ImageStore
    from vision_assets.vision.use_case import UseCase

_FAULTS_SHOWN = 50


def label(
    name: Name,
    csv: Annotated[
        Path,
        typer.Argument(
            metavar="CSV",
            help="Table with the columns `image` (id, or path of a taken file) and `label`.",
            exists=True,
            dir_okay=False,
        ),
    ],
    author: Author = None,
    json: Json = False,
) -> None:
    """Label stored images from a CSV; what a label replaces stays on record."""
    from vision_assets.vision.store.people import label_from_csv

    case, store = _opened(name)
    result = label_from_csv(store, csv, case.spec, author or by_whom())
    if json:
        show_json(vars(result))
    else:
        show_table(f"Labelled in {name}", ("what", "images"), list(vars(result).items()))


def annotate(
    name: Name,
    place: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="PATH",
            help="File or folder of annotations; default: those of the landing folder.",
        ),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option("--format", help="coco, voc, yolo, masks or mvtec; default: the source's."),
    ] = None,
    author: Author = None,
    json: Json = False,
) -> None:
    """Take boxes, outlines and masks from files; what they replace stays on record."""
    from vision_assets.vision.spec import WITH_OBJECTS
    from vision_assets.vision.store.people import annotate as annotate_images

    if form is not None and form not in WITH_OBJECTS:
        raise SpecError(f"expected --format one of {', '.join(WITH_OBJECTS)}, got {form!r}")
    case, store = _opened(name)
    landing = Home.from_environment().landing(case.spec.source.landing)
    done, faults = annotate_images(
        store, landing, case.spec, author or by_whom(), place, cast("LabelSource", form)
    )
    if json:
        show_json(vars(done) | {"faults": [vars(fault) for fault in faults]})
        return
    show_table(f"Annotated in {name}", ("what", "images"), list(vars(done).items()))
    if faults:
        rows = [tuple(vars(fault).values()) for fault in faults[:_FAULTS_SHOWN]]
        show_table(f"{len(faults)} errors in annotations", tuple(vars(faults[0])), rows)


def resolve(
    name: Name,
    items: Annotated[
        list[str] | None, typer.Argument(metavar="[ITEM]...", help="Items; none: list them.")
    ] = None,
    accept: Annotated[
        bool, typer.Option("--accept", help="Take the item, under --label or its own label.")
    ] = False,
    dismiss: Annotated[
        bool, typer.Option("--dismiss", help="Leave the item out, for good.")
    ] = False,
    label: Annotated[str | None, typer.Option(help="Class under which it is accepted.")] = None,
    why: Annotated[str, typer.Option(help="The reason, for the record.")] = "",
    author: Author = None,
    json: Json = False,
) -> None:
    """Settle items of the quarantine, or list the open ones."""
    case, store = _opened(name)
    if not items:
        _list_open(name, store, json)
        return
    if accept == dismiss:
        raise SpecError("say what becomes of the items: either --accept or --dismiss")
    from vision_assets.vision.store.people import resolve as resolve_item

    decision = "accept" if accept else "dismiss"
    for item in items:
        resolve_item(store, item, decision, case.spec, author or by_whom(), label=label, why=why)
    if json:
        show_json({"decision": decision, "items": items})
    else:
        say(f"{name}: {len(items)} items, {decision}")


def remove(
    name: Name,
    image_ids: Annotated[list[str], typer.Argument(metavar="IMAGE_ID...", help="SHA-256.")],
    why: Annotated[str, typer.Option(help="The reason, for the record.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    author: Author = None,
    json: Json = False,
) -> None:
    """Erase images from store, quarantine and cache for good, and say where copies remain."""
    from vision_assets.keeping.traces import REMAINS, bundles_with
    from vision_assets.vision.store.after import still_there
    from vision_assets.vision.store.erasure import remove as remove_images
    from vision_assets.vision.training.pixel_cache import PixelCache

    case, store = _opened(name)
    home = Home.from_environment()
    if not yes:
        typer.confirm(f"Erase {len(image_ids)} images of {name} for good?", abort=True, err=True)
    removal = remove_images(store, image_ids, author or by_whom(), why)
    PixelCache(home.pixel_cache).forget(removal.ids)
    landed = still_there(home.landing(case.spec.source.landing), removal.sources)
    bundles = bundles_with(home, name, removal.ids)
    if json:
        show_json(vars(removal) | {"landed": landed, "bundles": bundles})
        return
    say(f"{name}: the bytes of {len(removal.ids)} images left store, quarantine and cache")
    for title, found in (
        ("Files of the landing folder that held them; delete them", landed),
        ("Bundles that may show them among their golden images", bundles),
    ):
        if found:
            show_table(title, ("name",), [(each,) for each in found])
    show_table("Where copies of pictures may remain", ("where", "cleared by"), REMAINS)


def _opened(name: str) -> "tuple[UseCase, ImageStore]":
    from vision_assets.project import use_case
    from vision_assets.vision.store.image_store import ImageStore

    case = use_case(name)
    return case, ImageStore.open(Home.from_environment().store(case.name))


def _list_open(name: str, store: "ImageStore", json: bool) -> None:
    columns = ["item_id", "reason", "label", "source", "detail"]
    quarantine = store.quarantine()
    found = quarantine[~quarantine["settled"]][columns]
    items = loads(found.to_json(orient="records"))
    if json:
        show_json(items)
    else:
        show_table(f"Open items of {name}", columns, [list(item.values()) for item in items])
