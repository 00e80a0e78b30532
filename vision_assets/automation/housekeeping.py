"""housekeeping: the job and the daily schedule, one for the home."""

from collections.abc import Callable, Mapping

import dagster as dg

from vision_assets.resources.home import HomeResource
from vision_assets.vision.errors import StoreError
from vision_assets.vision.use_case import UseCase

JOB, SCHEDULE = "housekeeping", "housekeeping_schedule"
CRON = "30 4 * * *"


def housekeeping(
    use_cases: Callable[[], Mapping[str, UseCase]],
    broken: Callable[[], Mapping[str, Exception]],
) -> dg.Definitions:
    """Build the job `housekeeping` and its schedule, which runs once a day.

    Args:
        use_cases: gives all of the project that load, by name, when the job runs.
        broken: gives those that do not, and why.
    """

    @dg.op(description="Remove what is old and needed no longer, by `keep` of each use case.")
    def remove_what_is_old(context: dg.OpExecutionContext, home: HomeResource) -> None:
        from vision_assets.keeping.housekeeping.housekeeping import carry_out, plan

        cases = list(use_cases().values())
        found = plan(home.home, cases, context.instance, broken=broken())
        done = carry_out(home.home, found.items)
        for item in done.removed:
            context.log.info(f"removed {item.kind} {item.use_case} {item.name}: {item.why}")
        wrong = [f"nothing of {name} was removed: {said}" for name, said in found.refused.items()]
        wrong += [f"{item.kind} {item.name} stays: {said}" for item, said in done.failed]
        context.add_output_metadata(
            {"removed": len(done.removed), "freed (bytes)": sum(i.size_bytes for i in done.removed)}
        )
        if wrong:
            raise StoreError("; ".join(wrong))

    @dg.job(
        name=JOB,
        executor_def=dg.in_process_executor,
        description="Removes what is old and needed no longer; see `keep` in the YAML.",
    )
    def job() -> None:
        remove_what_is_old()

    schedule = dg.ScheduleDefinition(
        name=SCHEDULE,
        job=job,
        cron_schedule=CRON,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Once a day.",
    )
    return dg.Definitions(jobs=[job], schedules=[schedule])
