"""Runs of a graph in this process, on the Dagster instance of the home."""

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import SensorInstigatorData

from vision_assets.assets.cause import BY_TAG, REASON_TAG
from vision_assets.assets.graph import BESIDE, GRAPH, asset_key, op_name, pools
from vision_assets.automation.state import PROCESS_TAG, is_at_work, is_over, this_process
from vision_assets.home import Home
from vision_assets.resources.agreement import agree
from vision_assets.resources.tracking import end_interrupted
from vision_assets.user import by_whom
from vision_assets.vision.errors import DeploymentError, SpecError
from vision_assets.vision.store.erasure import complete
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.use_case import UseCase


def run_graph(
    name: str,
    select: Sequence[str] | None = None,
    reason: str = "by hand on the command line",
    configuration: Mapping[str, Mapping[str, Any]] | None = None,
    log_level: str = "DEBUG",
) -> bool:
    """Materialize assets of a use case, upstream first.

    Args:
        name: the use case.
        select: nouns of the assets; default: the whole graph, without what is beside it.
        reason: recorded on the run.
        configuration: of assets, by noun, as the launchpad of the UI takes it.
        log_level: the least that is shown on standard error.

    Returns:
        Whether every step and every blocking check passed.

    Raises:
        SpecError: no such use case or asset, or configuration of an asset that is not selected.
    """
    from vision_assets.definitions import defs
    from vision_assets.project import use_case

    case, nouns, configured = use_case(name), list(select or GRAPH), configuration or {}
    _check_selection(case, nouns, configured)
    with instance(Home.from_environment()) as dagster:
        result = (
            defs()
            .get_implicit_global_asset_job_def()
            .execute_in_process(
                instance=dagster,
                asset_selection=[asset_key(case, noun) for noun in nouns],
                raise_on_error=False,
                tags={REASON_TAG: reason, BY_TAG: by_whom(), PROCESS_TAG: this_process()},
                run_config=_run_config(case, configured, log_level),
            )
        )
    return result.success


def _check_selection(
    case: UseCase, nouns: Sequence[str], configured: Mapping[str, Mapping[str, Any]]
) -> None:
    """Refuse assets that the use case does not have, and configuration that nothing would read."""
    from vision_assets.definitions import defs

    assets = defs().resolve_asset_graph()
    known = [noun for noun in (*GRAPH, *BESIDE) if assets.has(asset_key(case, noun))]
    unknown = sorted(set(nouns) - set(known))
    if unknown:
        raise SpecError(f"no asset {unknown} in {case.name}; there are: {', '.join(known)}")
    idle = sorted(set(configured) - set(nouns))
    if idle:
        raise SpecError(f"{idle} is configured and not selected; select it too: --select {idle[0]}")


def _run_config(
    case: UseCase, configured: Mapping[str, Mapping[str, Any]], log_level: str
) -> dict[str, Any]:
    """As Dagster reads it: configuration of ops, and what the console shows."""
    return {
        "ops": {
            op_name(case, noun): {"config": dict(values)} for noun, values in configured.items()
        },
        "loggers": {"console": {"config": {"log_level": log_level}}},
    }


def instance(home: Home) -> dg.DagsterInstance:
    """The Dagster instance of the home, under the tracked `dagster.yaml`."""
    link_instance_config(home)
    os.environ.update(home.environment())
    return dg.DagsterInstance.get()


def instance_to_look_at(home: Home) -> dg.DagsterInstance:
    """The Dagster instance of the home, or an empty one where Dagster was never used there."""
    used = (home.dagster / "dagster.yaml").exists()
    return instance(home) if used else dg.DagsterInstance.local_temp()


def bound_pools(home: Home, cases: Iterable[UseCase]) -> None:
    """Set the limits of the pools of use cases before the first run that needs them.

    Dagster itself sets a limit while it starts the first run of a pool, and lets all runs pass
    that wait at that moment.
    """
    needed = {pool for case in cases for pool in pools(case)}
    with instance(home) as dagster:
        storage = dagster.event_log_storage
        bounded = {pool.name for pool in storage.get_pool_limits()}
        for pool in sorted(needed - bounded):
            storage.initialize_concurrency_limit_to_default(pool)


def fail_interrupted_runs(home: Home, restored: bool = False) -> None:
    """Mark runs failed whose processes died with the servers, in Dagster and MLflow.

    To be called while no server of the home runs. What the command line executes in a process of
    its own goes on.

    Args:
        home: the home.
        restored: it is a copy: whatever lives works on the home that was copied.
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
            if is_at_work(run) and not restored:
                continue
            dagster.report_run_failed(run, "The servers ended while this run was under way.")
        end_interrupted(home, lambda run_id: is_over(dagster, run_id))


def resume_restored(home: Home) -> list[str]:
    """Let a home work that was copied while it was at work: what was under way has ended.

    Slots and aliases follow the deployment logs, artifacts are where the home is now, runs that
    were under way are failed, so that they are tried again, and erased images are gone.

    Returns:
        What was mended, for people.
    """
    mended = [
        f"{name}: {said}" for name in _names(home, "deployments") for said in _agreed(home, name)
    ]
    for name in _names(home, "stores"):
        n = complete(ImageStore.open(home.store(name)))
        mended += [f"{name}: {n} images that had been erased are erased again"] if n else []
    fail_interrupted_runs(home, restored=True)
    return mended


def _agreed(home: Home, use_case: str) -> list[str]:
    try:
        return agree(home, use_case)
    except DeploymentError as error:
        return [str(error)]


def _names(home: Home, folder: str) -> list[str]:
    return sorted(path.name for path in (home.root / folder).glob("[a-z]*") if path.is_dir())


def wake_sensors(home: Home) -> list[str]:
    """Let sensors look again whose last look lies ahead, because the clock was set back.

    Dagster waits until the clock has caught up with the last tick: an hour, where it was set
    back by one.

    Returns:
        Their names.
    """
    now_s, woken = time.time(), []
    with instance(home) as dagster:
        for state in dagster.all_instigator_state(instigator_type=InstigatorType.SENSOR):
            data = state.instigator_data
            if isinstance(data, SensorInstigatorData) and _last_look_s(data) > now_s:
                seen = data._replace(last_tick_timestamp=now_s, last_tick_start_timestamp=now_s)
                dagster.update_instigator_state(state.with_data(seen))
                woken.append(state.name)
    return woken


def _last_look_s(data: SensorInstigatorData) -> float:
    return max(data.last_tick_timestamp or 0.0, data.last_tick_start_timestamp or 0.0)


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
