"""label_suspicion: the labels that a person should look at again; materialized by hand."""

from typing import TYPE_CHECKING, Any

import dagster as dg

from vision_assets.assets.graph import REFERENCE, SUSPICION, asset_key, by_hand, upstream
from vision_assets.assets.metadata import picture, records_table
from vision_assets.assets.yaml_keys import yaml_version
from vision_assets.resources.home import HomeResource
from vision_assets.vision.use_case import UseCase

if TYPE_CHECKING:
    from vision_assets.vision.evaluation.label_suspicion import LabelSuspicion
    from vision_assets.vision.evaluation.suspects_page import SuspectsPage
    from vision_assets.vision.store.image_store import ImageStore

_LISTED = 50
_PICTURES = 12


def label_suspicion(use_case: UseCase) -> dg.AssetsDefinition:
    """Build the asset `<use_case>/label_suspicion`."""

    @dg.asset(
        key=asset_key(use_case, SUSPICION),
        deps=[asset_key(use_case, "exported_model")],
        code_version=yaml_version(use_case, SUSPICION),
        group_name=by_hand(use_case),
        kinds={"sklearn"},
        description="Labels that are probably wrong, by confident learning; a person decides.",
    )
    def build(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult:
        from vision_assets.vision.evaluation.label_suspicion import suspect_labels
        from vision_assets.vision.evaluation.suspects_page import write_suspects
        from vision_assets.vision.inference.bundle import Bundle

        store = home.image_store(use_case)
        bundle_id = upstream(context, use_case, "exported_model")
        bundle = Bundle.load(home.home.bundles(use_case.name) / bundle_id)
        version = home.datasets(use_case).get(bundle.card.dataset["name"])
        suspicion = suspect_labels(version.manifest(), bundle, store.read, version.name)
        root = home.home.suspicions(use_case.name)
        page = write_suspects(suspicion, use_case.name, store.read, root)
        return dg.MaterializeResult(
            data_version=dg.DataVersion(page.suspicion_id),
            metadata=_metadata(suspicion, page, store),
        )

    return build


def _metadata(
    suspicion: "LabelSuspicion", page: "SuspectsPage", store: "ImageStore"
) -> dict[str, Any]:
    from vision_assets.vision.pictures import contact_sheet

    first = suspicion.suspects.head(_PICTURES)
    captions = [f"{row['label']} → {row['suggested']}" for row in first.to_dict("records")]
    images = [data for _, data in store.read(first["image_id"].tolist())]
    sheet = contact_sheet(list(zip(images, captions, strict=True))) if images else None
    return {
        REFERENCE: dg.MetadataValue.text(page.suspicion_id),
        "page": dg.MetadataValue.path(str(page.html)),
        "table for vision-assets label": dg.MetadataValue.path(str(page.csv)),
        "images": suspicion.n,
        "suspects": len(suspicion.suspects),
        "estimated share of wrong labels": round(suspicion.share, 4),
        "most suspect": records_table(suspicion.suspects.head(_LISTED).to_dict("records")),
        **({"pictures": picture(sheet, "image/jpeg")} if sheet else {}),
    }
