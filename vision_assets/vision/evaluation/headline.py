"""The handful of figures that a report begins with, whatever the task."""

from dataclasses import dataclass

from vision_assets.vision.evaluation.scorecard import Scorecard
from vision_assets.vision.evaluation.share import wilson


@dataclass(frozen=True)
class Headline:
    """One figure: its value, what it is, and how far it can be trusted; text for people."""

    value: str
    name: str
    note: str


def headlines(scorecard: Scorecard) -> list[Headline]:
    """From the outcomes of single images, and the latency."""
    correct = scorecard.predictions["correct"].astype(bool)
    n, right = len(correct), int(correct.sum())
    low, high = (100 * float(end) for end in wilson(right, n))
    found = [
        Headline(_percent(right / n), "right answers", f"95 % interval {low:.1f} to {high:.1f} %"),
        Headline(f"{n - right:,}", "mistakes", f"of {n:,} test images"),
        _weakest_class(scorecard),
    ]
    if len(scorecard.slices):
        worst = scorecard.slices.iloc[0]
        note = f"{worst['column']} = {worst['value']}, {worst['n']} images"
        found.append(Headline(_percent(worst["correct"]), "right in the weakest part", note))
    slow = scorecard.metrics["latency_p95_ms"]
    found.append(Headline(f"{slow:.1f} ms", "per image", "95 of 100 are faster, on one core"))
    return found


def _weakest_class(scorecard: Scorecard) -> Headline:
    classes = scorecard.predictions.groupby("label")["correct"].agg(["mean", "sum", "size"])
    worst = classes.sort_values("mean", kind="stable").iloc[0]
    note = f"{worst.name}, {int(worst['sum'])} of {int(worst['size'])}"
    return Headline(_percent(float(worst["mean"])), "right in the weakest class", note)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
