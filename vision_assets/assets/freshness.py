"""How old an asset may be before Dagster's UI says so."""

from datetime import timedelta

import dagster as dg


def fresh_for(hours: float | None) -> dg.FreshnessPolicy | None:
    """The policy of an asset that is to be materialized every so many hours; None: no policy.

    Dagster's daemon compares every 30 s and writes an event only where the state changes: passing,
    failing, or unknown before the first materialization. No run starts by it.
    """
    if hours is None:
        return None
    return dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=hours))
