"""The evaluation report: one self-contained HTML page, and the figures as files beside it.

<report_id>/
  report.html           everything inline; opens anywhere, prints on paper
  model_card.md         what the model is for, how it was made, where not to trust it
  scorecard.json        metrics, gates, classes, confusion, slices, curves
  predictions.parquet   one row per image
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from vision_assets.vision.atomic import holding, new_folder
from vision_assets.vision.dataset.versions import DatasetVersion
from vision_assets.vision.errors import BundleError
from vision_assets.vision.evaluation.champion import Contest
from vision_assets.vision.evaluation.cost_plots import cost_plots
from vision_assets.vision.evaluation.data_card import data_card
from vision_assets.vision.evaluation.evidence import Evidence
from vision_assets.vision.evaluation.gates import GateResult
from vision_assets.vision.evaluation.headline import headlines
from vision_assets.vision.evaluation.heatmap_sanity import HeatmapSanity
from vision_assets.vision.evaluation.judgement import gate_json, judgement_json
from vision_assets.vision.evaluation.model_card import model_card
from vision_assets.vision.evaluation.pages import render
from vision_assets.vision.evaluation.pictures import examples, mistakes
from vision_assets.vision.evaluation.plots import learning_curves, slice_bars
from vision_assets.vision.evaluation.scorecard import Scorecard
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.tasks.task import Finds, Task
from vision_assets.vision.training.pixels import ReadBytes
from vision_assets.vision.training.provenance import fingerprint
from vision_assets.vision.training.trained_model import TrainedModel

SCHEMA_VERSION = 1
HTML_FILE = "report.html"
MODEL_CARD_FILE = "model_card.md"
SCORECARD_FILE = "scorecard.json"
PREDICTIONS_FILE = "predictions.parquet"
ID_LENGTH = 12
_MISTAKES = 24
_EXAMPLES = 3


@dataclass(frozen=True)
class Background:
    """What a report can tell beside what was measured; each part may be missing.

    Attributes:
        trained: what the bundle was made from.
        version: the dataset version that it was trained on.
        heatmaps: whether its heatmaps show what was learned.
        evidence: the scorecard with its intervals, costs and what was decided.
        contest: the model that is deployed, on images that are fair to both.
    """

    trained: TrainedModel | None = None
    version: DatasetVersion | None = None
    heatmaps: HeatmapSanity | None = None
    evidence: Evidence | None = None
    contest: Contest | None = None


@dataclass(frozen=True)
class Report:
    """A report on disk.

    Attributes:
        report_id: name of its folder; equal findings of an equal bundle share it.
        folder: where it lies.
        plots: PNG by title.
    """

    report_id: str
    folder: Path
    plots: dict[str, bytes]

    @property
    def html(self) -> Path:
        """The page."""
        return self.folder / HTML_FILE


def write_report(
    task: Task,
    scorecard: Scorecard,
    gates: Sequence[GateResult],
    bundle: Bundle,
    read: ReadBytes,
    root: Path,
    background: Background = Background(),
) -> Report:
    """Write `root/<report_id>/`; a whole report of the same findings that is there already stays.

    Args:
        task: the plug-in.
        scorecard: what was found.
        gates: what the gates said of it.
        bundle: what was judged.
        read: gives the bytes of images, for pictures.
        root: folder of the use case's reports.
        background: what else is known.
    """
    judged = judgement_json(background.evidence, background.contest)
    findings = task.findings(_with_groups(scorecard, background)) if isinstance(task, Finds) else []
    said = _scorecard_json(scorecard, gates) | {"findings": findings} | judged
    report_id = _report_id(scorecard, gates, background)
    plots = task.plots(scorecard)
    if len(scorecard.slices):
        plots["slices"] = slice_bars(scorecard.slices)
    if background.evidence is not None:
        plots |= cost_plots(background.evidence)
    if background.trained is not None and background.trained.history:
        plots["learning curves"] = learning_curves(background.trained.history)
    with new_folder(root / report_id, _is_sound) as folder:
        (folder / SCORECARD_FILE).write_text(json.dumps(said, indent=2, ensure_ascii=False))
        scorecard.predictions.to_parquet(folder / PREDICTIONS_FILE, index=False)
        content = _content(scorecard, gates, background) | {
            "plots": plots,
            "findings": findings,
            "mistakes": mistakes(scorecard, bundle, read, _MISTAKES),
            "examples": examples(scorecard, bundle, read, _EXAMPLES),
        }
        (folder / HTML_FILE).write_text(render("report.html.j2", **content))
        (folder / MODEL_CARD_FILE).write_text(render("model_card.md.j2", **content))
    return Report(report_id, root / report_id, plots)


def _with_groups(scorecard: Scorecard, background: Background) -> Scorecard:
    """The scorecard with the group of each image where the evidence knows it."""
    if background.evidence is None:
        return scorecard
    return replace(scorecard, predictions=background.evidence.outcomes)


def read_report(folder: Path) -> tuple[str, pd.DataFrame]:
    """The id of the bundle that was judged, and what it predicted for each image.

    Raises:
        BundleError: there is no such report, or it is damaged.
    """
    try:
        scorecard = json.loads((folder / SCORECARD_FILE).read_text())
        return scorecard["bundle_id"], pd.read_parquet(folder / PREDICTIONS_FILE)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(
            f"expected a whole report in {folder}, got an error ({error}); materialize "
            "evaluation_report again"
        ) from error


def _is_sound(folder: Path) -> bool:
    try:
        read_report(folder)
    except BundleError:
        return False
    return holding(HTML_FILE, MODEL_CARD_FILE)(folder)


def _content(
    scorecard: Scorecard, gates: Sequence[GateResult], background: Background
) -> dict[str, Any]:
    """What the templates are filled with, but pictures."""
    data = None if background.version is None else data_card(background.version)
    return {
        "scorecard": scorecard,
        "card": scorecard.card,
        "gates": gates,
        "headline": headlines(scorecard),
        "n_wrong": int((~scorecard.predictions["correct"].astype(bool)).sum()),
        "background": background,
        "data": data,
        "model": model_card(scorecard, background.trained, data),
        "written_at": datetime.now(UTC),
    }


def _report_id(scorecard: Scorecard, gates: Sequence[GateResult], background: Background) -> str:
    """From what was found; how long it took does not count."""
    predictions = scorecard.predictions.sort_values("image_id")
    found = predictions[["image_id", "label", "predicted"]].astype(str).to_numpy().tolist()
    asked = [[gate.name, gate.asked] for gate in gates]
    sliced = scorecard.slices.astype(str).to_numpy().tolist()
    judged = judgement_json(background.evidence, background.contest)
    said = [scorecard.card.bundle_id, found, asked, sliced, judged]
    return fingerprint(said)[:ID_LENGTH]


def _scorecard_json(scorecard: Scorecard, gates: Sequence[GateResult]) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "bundle_id": scorecard.card.bundle_id,
        "n": len(scorecard.predictions),
        "metrics": scorecard.metrics,
        "gates": [gate_json(gate) for gate in gates],
        "per_class": _records(scorecard.per_class),
        "confusion": {
            "labels": [str(name) for name in scorecard.confusion.index],
            "counts": scorecard.confusion.to_numpy().tolist(),
        },
        "slices": _records(scorecard.slices),
        "curves": {name: _records(curve) for name, curve in scorecard.curves.items()},
    }


def _records(frame: pd.DataFrame) -> list[dict[Any, Any]]:
    """Rows as JSON knows them: it has no word for what is not a number."""
    return json.loads(frame.to_json(orient="records", double_precision=15))
