"""What all assets of a graph share: keys, pools and references to what came before."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from vision_assets.vision.errors import CheckFailed, DatasetError
from vision_assets.vision.use_case import UseCase

GRAPH = (
    "raw_images",
    "validated_dataset",
    "trained_model",
    "exported_model",
    "evaluation_report",
    "bento_service",
    "deployment",
)
"""The nouns of a use case's assets, upstream first."""

SEARCH = "recipe_search"
SUSPICION = "label_suspicion"
BATCH_PREDICTIONS = "batch_predictions"
PROPOSALS = "proposed_annotations"
BESIDE = (SEARCH, SUSPICION, BATCH_PREDICTIONS, PROPOSALS)
"""The nouns of assets that hang on the graph and are materialized by hand alone."""

REFERENCE = "reference"
"""Metadata entry by which an asset names what it made, for the assets below it."""

BLOCKED_BY = "blocked_by"
"""Metadata entry with the names of the blocking checks that failed; empty where none did.

Check events come after the materialization and go with their run; this entry does neither.
"""

JUDGED = ("exported_model", "evaluation_report", "bento_service")
"""The nouns that nothing is built upon before their checks are known to have passed."""

TRAINING_POOL = "training"
"""Pool of all trainings and searches of a home: its limit bounds how many run at a time."""


def asset_key(use_case: UseCase, noun: str) -> dg.AssetKey:
    """Key `<use_case>/<noun>`."""
    return dg.AssetKey([use_case.name, noun])


def by_hand(use_case: UseCase) -> str:
    """Group of the assets beside the graph, which the button of the graph leaves alone."""
    return f"{use_case.name}_by_hand"


def op_name(use_case: UseCase, noun: str) -> str:
    """Name of the op that computes an asset, as run configuration spells it."""
    return f"{use_case.name}__{noun}"


def store_pool(use_case: UseCase) -> str:
    """Pool that serialises the writers of the image store."""
    return f"{use_case.name}_store"


def deployment_pool(use_case: UseCase) -> str:
    """Pool that serialises the writers of the deployment log."""
    return f"{use_case.name}_deployment"


def scoring_pool(use_case: UseCase) -> str:
    """Pool that lets one run score the folder of a use case at a time."""
    return f"{use_case.name}_{BATCH_PREDICTIONS}"


def pools(use_case: UseCase) -> tuple[str, ...]:
    """All pools that assets of a use case run in."""
    own = (store_pool(use_case), deployment_pool(use_case), scoring_pool(use_case))
    return (TRAINING_POOL, *own)


def upstream(
    context: dg.AssetExecutionContext, use_case: UseCase, noun: str, trusted: str | None = None
) -> str:
    """The reference that the latest materialization of an asset above left.

    Inside one run Dagster itself stops behind a failed blocking check; this also holds for
    runs that start further down.

    Args:
        context: of the asset below.
        use_case: whose assets they are.
        noun: the asset above.
        trusted: the reference that needs no recorded verdict, such as of what answers already.

    Raises:
        DatasetError: the asset was never materialized.
        CheckFailed: it was, and failed a check that blocks, or does not say whether it did.
    """
    event = context.instance.get_latest_materialization_event(asset_key(use_case, noun))
    reference = _said(event, REFERENCE)
    if event is None or reference is None:
        raise DatasetError(
            f"{use_case.name}/{noun} has never been materialized; materialize it first, "
            f"or the whole graph: vision-assets run {use_case.name}"
        )
    blocked = blocked_by(event)
    if blocked is None and noun in JUDGED and reference != trusted:
        command = run_until(use_case, noun)
        raise CheckFailed(
            f"an earlier release materialized {use_case.name}/{noun} and did not record whether "
            f"its checks passed; materialize it again: {command}"
        )
    if blocked:
        raise CheckFailed(
            f"{use_case.name}/{noun} failed {', '.join(blocked)} when it was last materialized; "
            "look at its checks, mend what they name and materialize it again"
        )
    return str(reference)


def verdict(checks: Sequence[dg.AssetCheckResult]) -> dict[str, dg.MetadataValue]:
    """The metadata entry that says which checks of a materialization block."""
    names = [each.check_name for each in checks if _blocks(each.passed, each.severity)]
    return {BLOCKED_BY: dg.MetadataValue.json(names)}


def blocked_by(event: dg.EventLogEntry) -> list[str] | None:
    """Names of the checks that block what is built upon a materialization; None: not recorded."""
    return _said(event, BLOCKED_BY)


def run_until(use_case: UseCase, noun: str) -> str:
    """The command that materializes the assets of `JUDGED` up to a noun."""
    nouns = JUDGED[: JUDGED.index(noun) + 1]
    return " ".join([f"vision-assets run {use_case.name}", *(f"--select {each}" for each in nouns)])


def failed_checks(
    instance: dg.DagsterInstance, run_id: str, key: dg.AssetKey
) -> list[dg.AssetCheckEvaluation]:
    """Checks of an asset that failed with severity ERROR in a run, while its events are kept."""
    records = instance.get_records_for_run(
        run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
    ).records
    events = (record.event_log_entry.dagster_event for record in records)
    found = [event.asset_check_evaluation_data for event in events if event is not None]
    return [
        check for check in found if check.asset_key == key and _blocks(check.passed, check.severity)
    ]


def latest_metadata(instance: dg.DagsterInstance, key: dg.AssetKey, name: str) -> Any | None:
    """Value of an entry of the metadata that an asset left last; None where there is none."""
    return _said(instance.get_latest_materialization_event(key), name)


def _blocks(passed: bool, severity: dg.AssetCheckSeverity) -> bool:
    return not passed and severity == dg.AssetCheckSeverity.ERROR


def _said(event: dg.EventLogEntry | None, name: str) -> Any | None:
    materialization = event.asset_materialization if event else None
    said = materialization.metadata.get(name) if materialization else None
    return None if said is None else said.value
