"""Runs of a graph in this process, on the Dagster instance of the home."""

import os
from collections.abc import Sequence

import dagster as dg

from vision_assets.assets.graph import BESIDE, GRAPH, asset_key
from vision_assets.automation.state import is_over
from vision_assets.home import Home
from vision_assets.resources.tracking import end_interrupted
from vision_assets.vision.errors import SpecError


def run_graph(name: str, select: Sequence[str] | None = None, reason: str = "by command") -> bool:
    """Materialize assets of a use case, upstream first.

    Args:
        name: the use case.
        select: nouns of the assets; default: the whole graph.
        reason: recorded on the run.

    Returns:
        Whether every step and every blocking check passed.

    Raises:
        SpecError: no such use case or asset.
    """
    from vision_assets.definitions import defs
    from vision_assets.project import use_case

    case = use_case(name)
    nouns = (*GRAPH, *BESIDE)
    unknown = sorted(set(select or ()) - set(nouns))
    if unknown:
        raise SpecError(f"no asset {unknown} in {name}; there are: {', '.join(nouns)}")
    keys = [asset_key(case, noun) for noun in select or GRAPH]
    with instance(Home.from_environment()) as dagster:
        result = (
            defs()
            .get_implicit_global_asset_job_def()
            .execute_in_process(
                instance=dagster,
                asset_selection=keys,
                raise_on_error=False,
                tags={"vision_assets/reason": reason},
            )
        )
    return result.success


def instance(home: Home) -> dg.DagsterInstance:
    """The Dagster instance of the home, under the tracked `dagster.yaml`."""
    link_instance_config(home)
    os.environ.update(home.environment())
    return dg.DagsterInstance.get()


def fail_interrupted_runs(home: Home) -> None:
    """Mark runs failed whose processes died with the servers, in Dagster and MLflow.

    To be called while no server of the home runs.
    """
    interrupted = dg.RunsFilter(
        statuses=[
            dg.DagsterRunStatus.STARTING,
            dg.DagsterRunStatus.STARTED,
            dg.DagsterRunStatus.CANCELING,
        ]
    )
    with instance(home) as dagster:
        for run in dagster.get_runs(interrupted):
            dagster.report_run_failed(run, "The servers ended while this run was under way.")
        end_interrupted(home, lambda run_id: is_over(dagster, run_id))


def link_instance_config(home: Home) -> None:
    """Let the tracked `dagster.yaml` be the one in DAGSTER_HOME."""
    from vision_assets.project import project_file

    home.dagster.mkdir(parents=True, exist_ok=True)
    link, target = home.dagster / "dagster.yaml", project_file("dagster.yaml")
    if link.is_symlink() and link.readlink() == target:
        return
    fresh = home.dagster / f".dagster.yaml.{os.getpid()}"
    fresh.symlink_to(target)
    fresh.replace(link)
