"""raw_images: every image ever accepted, with what was refused beside it."""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

import dagster as dg

from vision_assets.assets.freshness import fresh_for
from vision_assets.assets.graph import REFERENCE, asset_key, store_pool
from vision_assets.assets.metadata import counts_table, picture, records_table
from vision_assets.assets.yaml_keys import yaml_version
from vision_assets.resources.home import HomeResource
from vision_assets.vision.disk import refuse_when_low
from vision_assets.vision.objects import objects_of
from vision_assets.vision.store.outcomes import Outcome, Status
from vision_assets.vision.use_case import UseCase

if TYPE_CHECKING:
    from vision_assets.vision.store.image_store import ImageStore
    from vision_assets.vision.store.outcomes import FoundFault, IngestResult

BATCH_TAG = "vision_assets/batch"
_REFUSED = "nothing_refused"
_SOUND = "annotations_sound"
_FAULTS_OF_A_KIND = 5
_SHOWN = 12
_PATHS_A_MESSAGE = 100


class RawImagesConfig(dg.Config):
    """What one run takes.

    Attributes:
        batch: id of the batch file to take; default: sweep the landing folder.
    """

    batch: str | None = None


def raw_images(use_case: UseCase) -> dg.AssetsDefinition:
    """Build the asset `<use_case>/raw_images`."""

    @dg.asset(
        key=asset_key(use_case, "raw_images"),
        code_version=yaml_version(use_case, "raw_images"),
        group_name=use_case.name,
        kinds={"lance"},
        pool=store_pool(use_case),
        freshness_policy=fresh_for(use_case.spec.freshness.raw_images_hours),
        description=(
            "Every image ever accepted, keyed by the SHA-256 of its bytes. Materialized by hand, "
            "it sweeps the landing folder; the sensor names a batch."
        ),
        check_specs=_check_specs(use_case),
    )
    def build(
        context: dg.AssetExecutionContext, config: RawImagesConfig, home: HomeResource
    ) -> dg.MaterializeResult:
        store = home.image_store(use_case)
        results = list(_ingest(context, config, home, store, use_case))
        return dg.MaterializeResult(
            data_version=dg.DataVersion(store.token()),
            metadata=_metadata(store, use_case, results),
            check_results=_check_results(use_case, results),
        )

    return build


def _check_specs(use_case: UseCase) -> list[dg.AssetCheckSpec]:
    checks = {_REFUSED: "No image of this run was quarantined."}
    if use_case.spec.source.says_objects:
        checks[_SOUND] = "What annotation files say was stored as they say it."
    key = asset_key(use_case, "raw_images")
    return [dg.AssetCheckSpec(name, asset=key, description=said) for name, said in checks.items()]


def _check_results(use_case: UseCase, results: "list[IngestResult]") -> list[dg.AssetCheckResult]:
    refused = _refused_check(results)
    if not use_case.spec.source.says_objects:
        return [refused]
    return [refused, _sound_check(results)]


def _ingest(
    context: dg.AssetExecutionContext,
    config: RawImagesConfig,
    home: HomeResource,
    store: "ImageStore",
    use_case: UseCase,
):
    """Take the batch that was named, or all that wait, a batch at a time."""
    from vision_assets.vision.store.ingest import ingest_all
    from vision_assets.vision.store.landing import read_batch, sweep

    refuse_when_low(home.home.root, "no image was taken and none is lost")
    landing = home.home.landing(use_case.spec.source.landing)
    batches = home.home.batches(use_case.name)
    if config.batch is None:
        todo = sweep(landing, store, use_case.spec.source, batches)
    else:
        todo = [read_batch(batches, config.batch)]
    context.log.info(f"{len(todo)} batches: {sum(batch.n_files for batch in todo)} files")
    for result in ingest_all(store, todo, landing, use_case.spec):
        context.log.info(f"batch {result.batch_id}: {len(result.outcomes)} files")
        for lines in _told(result):
            context.log.info(lines)
        yield result


def _told(result: "IngestResult") -> Iterator[str]:
    """What became of each path, a hundred paths a message: one event a path would be slow."""
    for status, outcomes in groupby(sorted(result.outcomes, key=_status), key=_status):
        told = [f"{o.path} ({o.reason})" if o.reason else o.path for o in outcomes]
        for start in range(0, len(told), _PATHS_A_MESSAGE):
            yield f"{status}: " + ", ".join(told[start : start + _PATHS_A_MESSAGE])


def _status(outcome: Outcome) -> str:
    return outcome.status.value


def _metadata(
    store: "ImageStore", use_case: UseCase, results: "list[IngestResult]"
) -> dict[str, dg.MetadataValue]:
    images, labels = store.images(), store.labels()
    counts = Counter(labels["label"].tolist())
    unlabelled = len(images) - len(labels)
    if unlabelled:
        counts["(unlabelled)"] = unlabelled
    outcomes = Counter(outcome.status.value for r in results for outcome in r.outcomes)
    accepted = [o.image_id for o in _outcomes(results, Status.ACCEPTED) if o.image_id]
    return {
        REFERENCE: dg.MetadataValue.text(store.token()),
        "images": dg.MetadataValue.int(len(images)),
        "labelled": dg.MetadataValue.int(len(labels)),
        "unlabelled": dg.MetadataValue.int(unlabelled),
        "quarantined": dg.MetadataValue.int(len(store.quarantine())),
        "with objects": dg.MetadataValue.int(int(labels["objects"].notna().sum())),
        "this run": counts_table(outcomes, "outcome"),
        "images per second": dg.MetadataValue.float(_throughput(results)),
        "classes": counts_table(counts, "class"),
        **_accepted_pictures(store, use_case, accepted),
        **_refused_pictures(store, results),
    }


def _outcomes(results: "list[IngestResult]", status: Status) -> list[Outcome]:
    return [o for result in results for o in result.outcomes if o.status is status]


def _throughput(results: "list[IngestResult]") -> float:
    seconds = sum(result.seconds for result in results)
    files = sum(len(result.outcomes) for result in results)
    return round(files / seconds, 1) if seconds else 0.0


def _accepted_pictures(
    store: "ImageStore", use_case: UseCase, accepted: list[str]
) -> dict[str, dg.MetadataValue]:
    from vision_assets.vision.pictures import contact_sheet

    shown = accepted[:: max(1, len(accepted) // _SHOWN)][:_SHOWN]
    if not shown:
        return {}
    names = dict(zip(*store.images(shown)[["image_id", "source"]].T.values, strict=True))
    read = dict(store.read(shown))
    said = store.labels().set_index("image_id")["objects"].reindex(list(read))
    sheet = contact_sheet(
        [(data, names[image_id]) for image_id, data in read.items()],
        objects=objects_of(said),
        names={entry.id: entry.name for entry in store.classes(use_case.spec.classes)},
    )
    return {"accepted, a sample": picture(sheet, "image/jpeg")}


def _refused_pictures(
    store: "ImageStore", results: "list[IngestResult]"
) -> dict[str, dg.MetadataValue]:
    from vision_assets.vision.pictures import contact_sheet

    refused = _outcomes(results, Status.QUARANTINED)[:_SHOWN]
    if not refused:
        return {}
    items = store.quarantine_bytes([str(outcome.item_id) for outcome in refused])
    sheet = contact_sheet([(items[str(o.item_id)], f"{o.reason}: {o.path}") for o in refused])
    return {"refused, a sample": picture(sheet, "image/jpeg")}


def _sound_check(results: "list[IngestResult]") -> dg.AssetCheckResult:
    faults = [fault for result in results for fault in result.faults]
    wrong = [fault for fault in faults if fault.is_deviation]
    counts = sum((Counter(result.fault_counts) for result in results), Counter())
    return dg.AssetCheckResult(
        check_name=_SOUND,
        passed=not wrong,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "errors": len(wrong),
            "by kind": records_table(
                {"kind": kind, "what was done": done, "number": number}
                for (kind, done), number in counts.most_common()
            ),
            "samples": records_table(map(vars, _spread(faults))),
            "what to do": (
                "Put the files right: what changed is read again. source.annotation_errors says "
                "what is done about each kind."
            ),
        },
    )


def _spread(faults: "list[FoundFault]") -> "list[FoundFault]":
    """A few of every kind."""
    kinds = dict.fromkeys(fault.kind for fault in faults)
    return [
        fault
        for kind in kinds
        for fault in [each for each in faults if each.kind == kind][:_FAULTS_OF_A_KIND]
    ]


def _refused_check(results: "list[IngestResult]") -> dg.AssetCheckResult:
    refused = _outcomes(results, Status.QUARANTINED)
    return dg.AssetCheckResult(
        check_name=_REFUSED,
        passed=not refused,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "refused": len(refused),
            "samples": records_table(
                {"path": o.path, "reason": str(o.reason), "detail": o.detail}
                for o in refused[:_SHOWN]
            ),
            "what to do": "vision-assets resolve lists the open items and settles them.",
        },
    )
