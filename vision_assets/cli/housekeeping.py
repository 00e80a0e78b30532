"""`vision-assets housekeeping`, `pin` and `unpin`."""

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from vision_assets.cli.output import (
    Author,
    Json,
    Name,
    progress,
    say,
    show_error,
    show_json,
    show_table,
    size_text,
)
from vision_assets.home import Home
from vision_assets.user import by_whom
from vision_assets.vision.errors import StoreError

if TYPE_CHECKING:
    from vision_assets.keeping.housekeeping.housekeeping import Plan
    from vision_assets.keeping.housekeeping.item import Item

What = Annotated[str, typer.Argument(metavar="ID", help="Id of a bundle or a model.")]


def housekeeping(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Use case; default: all, and the home.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would go; remove nothing.")
    ] = False,
    json: Json = False,
) -> None:
    """Remove what is old and needed no longer, by the section `keep` of each use case."""
    from vision_assets.execution import instance
    from vision_assets.keeping.housekeeping.housekeeping import carry_out, plan
    from vision_assets.project import broken_use_cases, use_case, use_cases

    home = Home.from_environment()
    cases = [use_case(name)] if name else list(use_cases().values())
    broken = {} if name else broken_use_cases()
    with instance(home) as dagster:
        found = plan(home, cases, dagster, of_home=name is None, broken=broken)
        failed: Sequence[tuple[Item, str]] = ()
        if not dry_run:
            with progress("removing") as on_progress:
                done = iter(range(1, len(found.items) + 1))
                on_item = lambda item: on_progress(next(done), len(found.items))  # noqa: E731
                failed = carry_out(home, found.items, on_item).failed
    if json:
        show_json(_as_json(found, failed, dry_run))
    else:
        _show(found, dry_run)
    _raise(found, failed)


def pin(
    name: Name,
    what: What,
    why: Annotated[str, typer.Option(help="The reason, for the record.")],
    author: Author = None,
    json: Json = False,
) -> None:
    """Keep a bundle or a model, whatever its age."""
    from vision_assets.keeping.pins import pin as add_pin
    from vision_assets.project import use_case

    case = use_case(name)
    added = add_pin(Home.from_environment(), case.name, what, why, author or by_whom())
    if json:
        show_json(added.model_dump(mode="json"))
    else:
        say(f"{name}: {added.what} is kept until `vision-assets unpin {name} {added.what}`")


def unpin(name: Name, what: What) -> None:
    """Let housekeeping treat a bundle or a model as any other."""
    from vision_assets.keeping.pins import unpin as remove_pin
    from vision_assets.project import use_case

    remove_pin(Home.from_environment(), use_case(name).name, what)
    say(f"{name}: {what} is pinned no longer")


def _show(found: "Plan", dry_run: bool) -> None:
    title = "Would be removed" if dry_run else "Removed"
    rows = [
        (
            use_case or "(the home)",
            kind,
            len(items),
            size_text(sum(i.size_bytes for i in items)),
            why,
        )
        for (use_case, kind, why), items in _grouped(found.items)
    ]
    if rows:
        show_table(title, ("use case", "what", "how many", "frees", "why"), rows)
    say(f"{title}: {len(found.items)} things, {size_text(found.size_bytes)}")
    kept = [
        (name, what, why)
        for name, stays in found.stays.items()
        for what, why in stays.reasons.items()
    ]
    if kept and dry_run:
        show_table("Stays, whatever its age", ("use case", "id", "why"), kept)


def _grouped(items: "Sequence[Item]") -> "list[tuple[tuple[str, str, str], list[Item]]]":
    def key(item: "Item") -> tuple[str, str, str]:
        return item.use_case, item.kind, item.why

    return [(which, list(some)) for which, some in groupby(sorted(items, key=key), key)]


def _as_json(found: "Plan", failed: "Sequence[tuple[Item, str]]", dry_run: bool) -> dict:
    names = ("use_case", "kind", "name", "size_bytes", "why")
    return {
        "dry_run": dry_run,
        "bytes": found.size_bytes,
        "items": [{name: getattr(item, name) for name in names} for item in found.items],
        "stays": {name: stays.reasons for name, stays in found.stays.items()},
        "refused": found.refused,
        "failed": [{"name": item.name, "error": error} for item, error in failed],
    }


def _raise(found: "Plan", failed: "Sequence[tuple[Item, str]]") -> None:
    """Tell what was not done, and end with an error."""
    for name, error in found.refused.items():
        show_error(StoreError(error), f"Nothing of {name} was removed")
    for item, error in failed:
        show_error(StoreError(error), f"{item.kind} {item.name} was not removed")
    if found.refused or failed:
        raise typer.Exit(1)
