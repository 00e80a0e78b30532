"""interrupted_trainings: MLflow learns of trainings whose process died."""

import dagster as dg

from vision_assets.automation.state import is_over
from vision_assets.resources.home import HomeResource
from vision_assets.resources.tracking import end_interrupted


def interrupted_trainings() -> dg.SensorDefinition:
    """Build the sensor `interrupted_trainings`, one for all use cases."""

    @dg.run_failure_sensor(
        name="interrupted_trainings",
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Marks MLflow runs KILLED that their Dagster run has left behind.",
    )
    def sense(context: dg.RunFailureSensorContext, home: HomeResource):
        ended = end_interrupted(home.home, lambda run_id: is_over(context.instance, run_id))
        return dg.SkipReason(f"MLflow runs that were marked: {', '.join(ended) or 'none'}.")

    return sense
