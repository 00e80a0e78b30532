"""`vision-assets status`: what there is of each use case, and what answers."""

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vision_assets.cli.output import Json, show_error, show_json, show_table
from vision_assets.home import Home

if TYPE_CHECKING:
    from vision_assets.vision.use_case import UseCase

_RUNS = 5


def status(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Use case; default: all.")
    ] = None,
    json: Json = False,
) -> None:
    """Show per use case: what answers, images, waiting files, quarantine, versions, runs.

    Those whose YAML is wrong are told on standard error; exit code 2.
    """
    from vision_assets.project import broken_use_cases, use_case, use_cases

    home = Home.from_environment()
    cases = [use_case(name)] if name else list(use_cases().values())
    states = {case.name: _state(home, case) for case in cases}
    if json:
        show_json(states)
    else:
        for case_name, state in states.items():
            _show(case_name, state)
    broken = {} if name else broken_use_cases()
    for broken_name, error in broken.items():
        show_error(error, f"{broken_name} does not load")
    if broken:
        raise typer.Exit(2)


def _state(home: Home, case: "UseCase") -> dict[str, Any]:
    return {
        "answers": _answers(home, case),
        **_images(home, case),
        "dataset": _latest_version(home, case),
        "runs": _runs(home, case),
    }


def _answers(home: Home, case: "UseCase") -> dict[str, Any] | None:
    """The deployment that answers, and whether its endpoint is ready."""
    from vision_assets import demo
    from vision_assets.serving.deployments import Deployments

    current = Deployments(home.deployments(case.name)).current()
    if current is None:
        return None
    chosen = {"bundle_id", "since", "why", "by", "previous", "dataset"}
    endpoint = {"port": case.spec.service.port, "ready": demo.answers(case)}
    return current.model_dump(mode="json", include=chosen) | endpoint


def _images(home: Home, case: "UseCase") -> dict[str, Any]:
    """Numbers of images and of files that wait for someone or something."""
    from vision_assets.vision.store.image_store import ImageStore

    store = ImageStore.open(home.store(case.name))
    quarantine = store.quarantine()
    return {
        "images": len(store.images()),
        "labelled": len(store.labels()),
        "quarantined": int((~quarantine["settled"]).sum()),
        "waiting": _waiting(home, case, store),
    }


def _waiting(home: Home, case: "UseCase", store: Any) -> int | None:
    """Files that are to be ingested; None where there is no landing folder yet."""
    from vision_assets.vision.store.landing import open_batches, waiting

    landing, batches = home.landing(case.spec.source.landing), home.batches(case.name)
    if not landing.exists():
        return None
    in_batches = sum(batch.n_files for batch in open_batches(batches, store))
    return in_batches + len(waiting(landing, store, case.spec.source, batches, time.time()))


def _latest_version(home: Home, case: "UseCase") -> dict[str, Any] | None:
    from vision_assets.vision.dataset.versions import DatasetVersions

    versions = DatasetVersions(home.datasets(case.name)).list()
    if not versions:
        return None
    latest = versions[-1]
    return {
        "name": latest.name,
        "created_at": latest.created_at.isoformat(),
        "valid": latest.valid,
        "versions": len(versions),
    }


def _runs(home: Home, case: "UseCase") -> list[dict[str, Any]]:
    """The last runs that concern the use case; none before Dagster was used in this home."""
    if not (home.dagster / "dagster.yaml").exists():
        return []
    from vision_assets.execution import instance

    with instance(home) as dagster:
        records = dagster.get_run_records(limit=50)
    return [
        {"run_id": record.dagster_run.run_id, "status": record.dagster_run.status.value}
        | {"job": record.dagster_run.job_name, "at": f"{record.create_timestamp:%Y-%m-%d %H:%M}"}
        for record in records
        if _concerns(record.dagster_run, case)
    ][:_RUNS]


def _concerns(run: Any, case: "UseCase") -> bool:
    """Whether a Dagster run materialized assets of the use case."""
    keys = run.asset_selection or ()
    return run.job_name.startswith(f"{case.name}_") or any(k.path[0] == case.name for k in keys)


def _told(answers: dict[str, Any]) -> str:
    state = "ready" if answers["ready"] else "not running"
    return f"bundle {answers['bundle_id']} on port {answers['port']}, {state}"


def _show(name: str, state: dict[str, Any]) -> None:
    answers, dataset, waiting = state["answers"], state["dataset"], state["waiting"]
    rows = [
        ("answers", _told(answers) if answers else "-"),
        ("since", f"{answers['since']} by {answers['by']}: {answers['why']}" if answers else "-"),
        ("images", f"{state['images']}, {state['labelled']} of them labelled"),
        ("waiting files", "no landing folder" if waiting is None else waiting),
        ("open in quarantine", state["quarantined"]),
        ("dataset", f"{dataset['name']} of {dataset['versions']}" if dataset else "-"),
        *(("run", f"{run['at']} {run['job']} {run['status']}") for run in state["runs"]),
    ]
    show_table(name, ("", ""), rows)
