"""The code location: every use case of the project, and the resources they share."""

import dagster as dg

from vision_assets.automation.alerts import alerts
from vision_assets.automation.housekeeping import housekeeping
from vision_assets.automation.interrupted import interrupted_trainings
from vision_assets.automation.lost_runs import lost_runs
from vision_assets.project import broken_use_cases, definitions, use_cases
from vision_assets.resources.home import HomeResource


@dg.definitions
def defs() -> dg.Definitions:
    """All assets, checks, jobs, sensors and schedules."""
    shared = dg.Definitions(
        resources={"home": HomeResource()},
        sensors=[interrupted_trainings(), lost_runs(), *alerts()],
        executor=dg.in_process_executor,
    )
    return dg.Definitions.merge(definitions(), shared, housekeeping(use_cases, broken_use_cases))
