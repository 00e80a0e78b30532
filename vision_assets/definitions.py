"""The code location: every use case of the project, and the resources they share."""

import dagster as dg

from vision_assets.automation.housekeeping import housekeeping
from vision_assets.automation.interrupted import interrupted_trainings
from vision_assets.project import component_tree, use_cases
from vision_assets.resources.home import HomeResource


@dg.definitions
def defs() -> dg.Definitions:
    """All assets, checks, jobs, sensors and schedules."""
    shared = dg.Definitions(
        resources={"home": HomeResource()},
        sensors=[interrupted_trainings()],
        executor=dg.in_process_executor,
    )
    return dg.Definitions.merge(component_tree().build_defs(), shared, housekeeping(use_cases))
