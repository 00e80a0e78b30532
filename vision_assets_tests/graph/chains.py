"""The assets of a graph as Dagster sees them, each made in no time, with checks as told."""

from collections.abc import Mapping

import dagster as dg

from vision_assets.assets.graph import GRAPH, REFERENCE, asset_key, verdict
from vision_assets.assets.runs import retraining_job_name
from vision_assets.vision.use_case import UseCase


def run_chain(
    case: UseCase,
    instance: dg.DagsterInstance,
    failing: Mapping[str, dg.AssetCheckResult] | None = None,
    raising: Mapping[str, Exception] | None = None,
    until: str = "deployment",
    **references: str,
) -> dg.ExecuteInProcessResult:
    """Materialize the graph behind raw_images in one run.

    Args:
        case: whose graph.
        instance: that records it.
        failing: a check that blocks, by the noun of its asset.
        raising: what an asset raises, by its noun.
        until: the last noun.
        references: what an asset makes, by its noun; default: `<noun> 1`.
    """
    nouns = GRAPH[1 : GRAPH.index(until) + 1]
    built = [_asset(case, noun, failing or {}, raising or {}, references) for noun in nouns]
    job = dg.define_asset_job(retraining_job_name(case), selection="*")
    graph = dg.Definitions(assets=built, jobs=[job], executor=dg.in_process_executor)
    return graph.resolve_job_def(job.name).execute_in_process(
        instance=instance, raise_on_error=False
    )


def _asset(
    case: UseCase,
    noun: str,
    failing: Mapping[str, dg.AssetCheckResult],
    raising: Mapping[str, Exception],
    references: Mapping[str, str],
) -> dg.AssetsDefinition:
    key, above = asset_key(case, noun), GRAPH[GRAPH.index(noun) - 1]
    check = failing.get(noun)
    name = str(check.check_name) if check else ""
    specs = [dg.AssetCheckSpec(name, asset=key, blocking=True)] if check else []

    @dg.asset(
        key=key, deps=[asset_key(case, above)] if above != "raw_images" else [], check_specs=specs
    )
    def build() -> dg.MaterializeResult:
        if noun in raising:
            raise raising[noun]
        made = {REFERENCE: references.get(noun, f"{noun} 1"), "dataset": "v0001"}
        checks = [check] if check else []
        return dg.MaterializeResult(metadata=made | verdict(checks), check_results=checks)

    return build
