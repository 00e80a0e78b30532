"""validated_dataset: an immutable dataset version, and the checks that let it be trained on."""

from typing import TYPE_CHECKING

import dagster as dg

from vision_assets.assets.cause import record_cause, state_token
from vision_assets.assets.freshness import fresh_for
from vision_assets.assets.graph import REFERENCE, asset_key
from vision_assets.assets.metadata import counts_table, picture, records_table
from vision_assets.assets.yaml_keys import yaml_version
from vision_assets.quality.suite import checks
from vision_assets.resources.home import HomeResource
from vision_assets.vision.expectation_result import ExpectationResult
from vision_assets.vision.objects import objects_of
from vision_assets.vision.use_case import UseCase

if TYPE_CHECKING:
    from vision_assets.vision.dataset.versions import DatasetVersion
    from vision_assets.vision.store.image_store import ImageStore

_SHOWN = 12


def validated_dataset(use_case: UseCase) -> dg.AssetsDefinition:
    """Build the asset `<use_case>/validated_dataset`, with one check per expectation."""
    key = asset_key(use_case, "validated_dataset")

    @dg.asset(
        key=key,
        deps=[asset_key(use_case, "raw_images")],
        code_version=yaml_version(use_case, "validated_dataset"),
        group_name=use_case.name,
        kinds={"parquet", "greatexpectations"},
        freshness_policy=fresh_for(use_case.spec.freshness.validated_dataset_hours),
        description="An immutable version: which images, with which label, in which split.",
        check_specs=[
            dg.AssetCheckSpec(
                entry.name,
                asset=key,
                blocking=entry.severity == "critical",
                description=entry.description,
            )
            for entry in checks(use_case.spec)
        ],
    )
    def build(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult:
        from vision_assets.quality.validation import validate
        from vision_assets.vision.dataset.card import write_card

        store = home.image_store(use_case)
        record_cause(context, use_case, state_token(store, use_case))
        version = home.datasets(use_case).create(store, use_case.spec)
        results = validate(version.manifest(), use_case.spec, version.classes)
        version.record_validation(results)
        write_card(version, store)
        context.log.info(f"{version.name}: {version.counts}")
        return dg.MaterializeResult(
            data_version=dg.DataVersion(version.fingerprint),
            metadata=_metadata(version, store),
            check_results=[_check(result) for result in results],
        )

    return build


def _check(result: ExpectationResult) -> dg.AssetCheckResult:
    severity = (
        dg.AssetCheckSeverity.ERROR if result.severity == "critical" else dg.AssetCheckSeverity.WARN
    )
    return dg.AssetCheckResult(
        check_name=result.name,
        passed=result.passed,
        severity=severity,
        description=result.description,
        metadata={
            "observed": str(result.observed),
            "offenders": str(result.unexpected_count),
            "samples": records_table(result.samples[:_SHOWN]),
            **({"exception": result.exception} if result.exception else {}),
        },
    )


def _metadata(version: "DatasetVersion", store: "ImageStore") -> dict[str, dg.MetadataValue]:
    manifest = version.manifest()
    difference = version.difference
    return {
        REFERENCE: dg.MetadataValue.text(version.name),
        "images": dg.MetadataValue.int(len(manifest)),
        "splits": counts_table(manifest["split"].value_counts().to_dict(), "split"),
        "classes": counts_table(manifest["label"].value_counts().to_dict(), "class"),
        "parent": dg.MetadataValue.text(version.parent or "none"),
        "added": dg.MetadataValue.int(len(difference.added)),
        "removed": dg.MetadataValue.int(len(difference.removed)),
        "relabelled": dg.MetadataValue.int(len(difference.relabelled)),
        "card": dg.MetadataValue.path(str(version.folder / "card.html")),
        **_added_pictures(version, store),
        **_objects(version),
    }


def _added_pictures(version: "DatasetVersion", store: "ImageStore") -> dict[str, dg.MetadataValue]:
    from vision_assets.vision.pictures import contact_sheet

    added = list(version.difference.added)
    shown = added[:: max(1, len(added) // _SHOWN)][:_SHOWN]
    if not shown:
        return {}
    said = version.manifest(["image_id", "label", "objects"]).set_index("image_id")
    read = dict(store.read(shown))
    sheet = contact_sheet(
        [(data, str(said["label"][name])) for name, data in read.items()],
        objects=objects_of(said["objects"].reindex(list(read))),
        names={entry.id: entry.name for entry in version.classes},
    )
    return {"added, a sample": picture(sheet, "image/jpeg")}


def _objects(version: "DatasetVersion") -> dict[str, dg.MetadataValue]:
    """What the objects are like; nothing where there are none."""
    from vision_assets.vision.dataset.object_statistics import object_statistics
    from vision_assets.vision.dataset.object_table import OBJECT_COLUMNS, object_table
    from vision_assets.vision.evaluation.object_plots import object_plot

    table = object_table(version.manifest(OBJECT_COLUMNS), version.classes)
    plot = object_plot(table)
    if plot is None:
        return {}
    found = object_statistics(table, version.classes)
    together = found.together.rename_axis("images with").reset_index()
    return {
        "objects": dg.MetadataValue.int(found.n_objects),
        "objects per image": dg.MetadataValue.float(round(found.per_image, 3)),
        "images without objects": dg.MetadataValue.int(found.n_empty),
        "objects by class": records_table(found.classes.to_dict("records")),
        "classes together on an image": records_table(together.to_dict("records")),
        "objects, sizes and shapes": picture(plot),
    }
