"""What is measured, and what it should reach."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One figure of one use case.

    Attributes:
        data: the use case, of `benchmarks.quality.data`; rows of the same one share trainings.
        figure: of the scorecard, on the test split.
        floor, goal: of its mean over the seeds.
        minutes: that a training on two cores may take.
        seeds: of the trainings, where none are asked for.
        least: that the figure of each seed has to reach; None where the mean alone counts.
        tests_promise: whether the promised rate of false alarms is put to the test as well.
    """

    data: str
    figure: str
    floor: float
    goal: float
    minutes: float
    seeds: tuple[int, ...] = (0, 1)
    least: float | None = None
    tests_promise: bool = False


ROWS = {
    "neu_steel": Row("steel", "accuracy", 0.985, 0.99, 5, seeds=(0, 1, 2), least=0.98),
    "bccd": Row("smears", "mean_average_precision_50", 0.75, 0.90, 20),
    "neu_steel_boxes": Row("steel_boxes", "mean_average_precision_50", 0.50, 0.75, 25),
    "magnetic_tile": Row("tile_masks", "defect_iou", 0.45, 0.75, 20),
    "magnetic_tile_anomaly": Row("normal_tiles", "auroc", 0.70, 0.90, 15),
    "magnetic_tile_false_alarms": Row(
        *("normal_tiles", "recall", 0.3, 0.7, 15), seeds=(0, 1, 2, 3, 4), tests_promise=True
    ),
}
