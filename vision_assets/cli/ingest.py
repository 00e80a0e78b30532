"""`vision-assets ingest`: take what waits, without Dagster."""

import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from vision_assets.cli.output import Json, Name, progress, say, show_json, show_table
from vision_assets.home import Home

if TYPE_CHECKING:
    from vision_assets.vision.store.image_store import ImageStore
    from vision_assets.vision.store.landing import Batch
    from vision_assets.vision.store.outcomes import IngestResult
    from vision_assets.vision.use_case import UseCase

_SHOWN = 10


def ingest(name: Name, json: Json = False) -> None:
    """Take what waits in the landing folder into the image store, without Dagster."""
    from vision_assets.project import use_case
    from vision_assets.vision.disk import refuse_when_low
    from vision_assets.vision.store.image_store import ImageStore
    from vision_assets.vision.store.landing import sweep

    case, home = use_case(name), Home.from_environment()
    refuse_when_low(home.root, "no image was taken and none is lost")
    store = ImageStore.open(home.store(name))
    landing = home.landing(case.spec.source.landing)
    started = time.monotonic()
    batches = sweep(landing, store, case.spec.source, home.batches(name))
    results = _ingest_all(batches, store, landing, case)
    outcomes = [outcome for result in results for outcome in result.outcomes]
    faults = [fault for result in results for fault in result.faults]
    counts = dict(sorted(Counter(str(outcome.status) for outcome in outcomes).items()))
    seconds = round(time.monotonic() - started, 2)
    refused = [outcome for outcome in outcomes if outcome.reason]
    if json:
        summary = {"files": len(outcomes), "batches": len(batches), "seconds": seconds}
        refused_rows, fault_rows = [asdict(o) for o in refused], [asdict(f) for f in faults]
        show_json({**summary, "outcomes": counts, "refused": refused_rows, "faults": fault_rows})
        return
    show_table(f"Ingested into {name}", ("outcome", "files"), list(counts.items()))
    if refused:
        rows = [(outcome.path, outcome.reason, outcome.detail) for outcome in refused[:_SHOWN]]
        show_table(f"Refused, {len(rows)} of {len(refused)}", ("file", "reason", "detail"), rows)
        say(f"[yellow]vision-assets resolve {name}[/] lists what is open.")
    if faults:
        rows = [tuple(asdict(fault).values()) for fault in faults[:_SHOWN]]
        columns = ("kind", "file", "object", "detail", "done")
        show_table(f"Errors in annotations, {len(rows)} of {len(faults)}", columns, rows)
    say(f"{len(outcomes)} files in {seconds:.1f} s")


def _ingest_all(
    batches: "list[Batch]", store: "ImageStore", landing: Path, case: "UseCase"
) -> "list[IngestResult]":
    """Ingest batch after batch under one progress bar."""
    from vision_assets.vision.store.ingest import ingest_all

    with progress("ingesting") as on_progress:
        return list(ingest_all(store, batches, landing, case.spec, on_progress))
