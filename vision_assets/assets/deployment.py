"""deployment: which bundle answers, since when, why, by whom, and which one before it."""

from typing import TYPE_CHECKING

import dagster as dg

from vision_assets.assets.cause import BY_TAG, REASON_TAG, cause_of
from vision_assets.assets.freshness import fresh_for
from vision_assets.assets.graph import REFERENCE, asset_key, deployment_pool, upstream
from vision_assets.assets.metadata import records_table
from vision_assets.assets.yaml_keys import yaml_version
from vision_assets.resources.home import HomeResource
from vision_assets.resources.tracking import set_champion
from vision_assets.vision.use_case import UseCase

if TYPE_CHECKING:
    from vision_assets.serving.deployments import Switch

_SHOWN = 10
_WAIT_S = 15
_FOLLOWED = "workers_follow"


def deployment(use_case: UseCase) -> dg.AssetsDefinition:
    """Build the asset `<use_case>/deployment`."""

    key = asset_key(use_case, "deployment")

    @dg.asset(
        key=key,
        deps=[asset_key(use_case, "bento_service")],
        code_version=yaml_version(use_case, "deployment"),
        group_name=use_case.name,
        kinds={"bentoml"},
        pool=deployment_pool(use_case),
        freshness_policy=fresh_for(use_case.spec.freshness.deployment_hours),
        description="The switch: the log gains a line, the slot and the champion follow it.",
        check_specs=[
            dg.AssetCheckSpec(
                _FOLLOWED,
                asset=key,
                description="Every worker of the endpoint that runs answers with this bundle.",
            )
        ],
    )
    def build(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult:
        deployments = home.deployments(use_case)
        before, cause = deployments.current(), cause_of(context.run)
        answers = before.bento_tag if before else None
        tag = upstream(context, use_case, "bento_service", trusted=answers)
        bundle_id = tag.partition(":")[2]
        current = deployments.deploy(
            bundle_id=bundle_id,
            bundle_folder=home.home.bundles(use_case.name) / bundle_id,
            bento_tag=tag,
            why=cause[REASON_TAG],
            by=cause[BY_TAG],
        )
        set_champion(home.home, use_case.name, current.model_id)
        switch = deployments.wait_for_workers(_WAIT_S, use_case.spec.service.slot_poll_s)
        return dg.MaterializeResult(
            data_version=dg.DataVersion(bundle_id),
            metadata={
                REFERENCE: tag,
                "endpoint": dg.MetadataValue.url(f"http://127.0.0.1:{use_case.spec.service.port}"),
                "before": current.previous or "none",
                "history": records_table(
                    {"since": d.since, "bundle": d.bundle_id, "why": d.why, "by": d.by}
                    for d in reversed(deployments.history()[-_SHOWN:])
                ),
            },
            check_results=[_followed_check(switch)],
        )

    return build


def _followed_check(switch: "Switch") -> dg.AssetCheckResult:
    seen = switch.taken or switch.pending or switch.refused
    return dg.AssetCheckResult(
        check_name=_FOLLOWED,
        passed=switch.done and not switch.refused,
        metadata={
            "answer with it": len(switch.taken),
            "have not taken it yet": len(switch.pending),
            "refused it": records_table(
                {"worker": worker.worker, "answers with": worker.bundle_id, "why": worker.refused}
                for worker in switch.refused
            ),
            **({} if seen else {"note": "No worker of the endpoint runs now."}),
        },
    )
