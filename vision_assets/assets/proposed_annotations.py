"""proposed_annotations: what the deployed model says of images that nobody has annotated."""

from typing import TYPE_CHECKING, Any

import dagster as dg

from vision_assets.assets.graph import PROPOSALS, REFERENCE, asset_key, by_hand, store_pool
from vision_assets.assets.metadata import counts_table, picture
from vision_assets.assets.yaml_keys import yaml_version
from vision_assets.resources.home import HomeResource
from vision_assets.serving.deployments import Deployments
from vision_assets.vision.errors import DeploymentError
from vision_assets.vision.use_case import UseCase

if TYPE_CHECKING:
    from vision_assets.vision.auto_annotation import Proposed
    from vision_assets.vision.inference.bundle import Bundle
    from vision_assets.vision.store.image_store import ImageStore

_PICTURES = 24


class ProposalConfig(dg.Config):
    """How much is proposed in one run.

    Attributes:
        limit: images, the newest first.
    """

    limit: int = 1000


def proposed_annotations(use_case: UseCase) -> dg.AssetsDefinition:
    """Build the asset `<use_case>/proposed_annotations`."""

    @dg.asset(
        key=asset_key(use_case, PROPOSALS),
        deps=[asset_key(use_case, "raw_images"), asset_key(use_case, "deployment")],
        code_version=yaml_version(use_case, PROPOSALS),
        group_name=by_hand(use_case),
        kinds={"lance"},
        pool=store_pool(use_case),
        description="Annotations by the deployed model, for review; nothing is learned from them.",
    )
    def build(
        context: dg.AssetExecutionContext, config: ProposalConfig, home: HomeResource
    ) -> dg.MaterializeResult:
        from vision_assets.vision.auto_annotation import propose
        from vision_assets.vision.inference.bundle import Bundle

        deployed = Deployments(home.home.deployments(use_case.name)).current()
        if deployed is None:
            raise DeploymentError(
                f"{use_case.name} has no deployed model that could propose; run the graph first: "
                f"vision-assets run {use_case.name}"
            )
        store = home.image_store(use_case)
        bundle = Bundle.load(home.home.bundles(use_case.name) / deployed.bundle_id)
        made = propose(store, bundle, use_case.spec, config.limit)
        context.log.info(f"{made.proposed} proposals; {made.waiting} images wait")
        return dg.MaterializeResult(metadata=_metadata(made, store, bundle, use_case))

    return build


def _metadata(
    made: "Proposed", store: "ImageStore", bundle: "Bundle", use_case: UseCase
) -> dict[str, Any]:
    from vision_assets.vision.evaluation.pictures import pictures
    from vision_assets.vision.pictures import contact_sheet
    from vision_assets.vision.store.proposals import open_proposals

    found = open_proposals(store)
    shown = found.head(_PICTURES).assign(predicted=found["label"])
    drawn = pictures(shown, bundle, store.read)
    captioned = [(each.overlay, f"{each.predicted} {each.score:.2f}") for each in drawn]
    return {
        REFERENCE: dg.MetadataValue.text(store.token()),
        "bundle": made.bundle_id,
        "proposed now": made.proposed,
        "unsure": made.unsure,
        "images that wait": made.waiting,
        "refused": len(made.refused),
        "open proposals": len(found),
        "classes": counts_table(found["label"].value_counts().to_dict(), "class"),
        "what to do": f"vision-assets proposals {use_case.name} lists and settles them.",
        **({"least sure": picture(contact_sheet(captioned), "image/jpeg")} if drawn else {}),
    }
