"""The appraisal of a bundle: judged on the test split, against the champion, and reported."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pandas as pd

from vision_assets.vision.dataset.versions import DatasetVersions
from vision_assets.vision.evaluation.champion import Challenge, Contest, challenge
from vision_assets.vision.evaluation.comparison import with_pictures
from vision_assets.vision.evaluation.evaluate import evaluate
from vision_assets.vision.evaluation.evidence import Evidence
from vision_assets.vision.evaluation.gates import GateResult, judge
from vision_assets.vision.evaluation.heatmap_sanity import IMAGES, HeatmapSanity, check_heatmaps
from vision_assets.vision.evaluation.learned import learned_from
from vision_assets.vision.evaluation.pictures import spread
from vision_assets.vision.evaluation.report import Background, Report, write_report
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.spec import PipelineSpec
from vision_assets.vision.tasks.task import Task
from vision_assets.vision.training.pixels import ReadBytes
from vision_assets.vision.training.trained_model import TrainedModel

_PICTURES = 8


@dataclass(frozen=True)
class Appraisal:
    """What is known of a bundle once it was judged.

    Attributes:
        evidence: its scorecard with intervals.
        gates: what the gates said, the champion's last.
        contest: None where it was compared with no champion.
        heatmaps: None where the task draws none.
        report: all of it for people.
    """

    evidence: Evidence
    gates: Sequence[GateResult]
    contest: Contest | None
    heatmaps: HeatmapSanity | None
    report: Report


def appraise(
    task: Task,
    trained: TrainedModel,
    bundle: Bundle,
    champion: Path | None,
    versions: DatasetVersions,
    read: ReadBytes,
    root: Path,
    spec: PipelineSpec,
) -> Appraisal:
    """Judge a bundle on the test split of its dataset version, from bytes, as it will serve.

    Args:
        task: the plug-in.
        trained: what the bundle was made from.
        bundle: what is judged.
        champion: folder of the bundle that is deployed; None where there is none, or nobody asks.
        versions: of the use case's dataset.
        read: gives the bytes of images.
        root: folder of the use case's reports.
        spec: gates, costs and slices of the use case.

    Raises:
        DatasetError: the dataset version is gone, or an image is missing in the store.
        SpecError: a gate asks for a figure that there is not.
        TrainingError: the weights are missing or were changed.
    """
    version = versions.get(bundle.card.dataset["name"])
    manifest = version.manifest()
    test = manifest[manifest["split"] == "test"]
    scorecard = evaluate(task, bundle, test, read, slices=spec.slices)
    evidence = Evidence(task, scorecard, test, spec.costs)
    challenged = _challenge(evidence, champion, versions, read, spec)
    gates = judge(evidence, spec.gates)
    contest = None
    if challenged is not None:
        gates.append(challenged.gate)
        contest = _pictured(challenged.contest, bundle, read)
    heatmaps = check_heatmaps(task, trained, bundle, read(_some(test)))
    background = Background(trained, version, heatmaps, evidence, contest)
    report = write_report(task, scorecard, gates, bundle, read, root, background)
    return Appraisal(evidence, gates, contest, heatmaps, report)


def _challenge(
    evidence: Evidence,
    champion: Path | None,
    versions: DatasetVersions,
    read: ReadBytes,
    spec: PipelineSpec,
) -> Challenge | None:
    """How the bundle stands against the one that is deployed; None where nobody asks."""
    if spec.champion is None:
        return None
    trained_on = partial(learned_from, versions=versions)
    return challenge(evidence, champion, trained_on, read, spec.champion, spec.classes)


def _pictured(contest: Contest | None, bundle: Bundle, read: ReadBytes) -> Contest | None:
    """With pictures of what the new bundle mends and breaks."""
    if contest is None:
        return None
    seen = with_pictures(contest.comparison, contest.champion, bundle, read, _PICTURES)
    return replace(contest, comparison=seen)


def _some(rows: pd.DataFrame) -> list[str]:
    """Ids of images that are enough to tell what heatmaps show."""
    return spread(rows["image_id"].tolist(), IMAGES)
