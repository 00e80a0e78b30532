"""The evaluation report: one self-contained HTML page, and the figures as files beside it.

<report_id>/
  report.html           everything inline; opens anywhere, prints on paper
  scorecard.json        metrics, gates, classes, confusion, slices
  predictions.parquet   one row per image
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from vision_assets.vision.atomic import new_folder
from vision_assets.vision.errors import BundleError
from vision_assets.vision.evaluation.champion import Comparison
from vision_assets.vision.evaluation.cost_plots import cost_plots
from vision_assets.vision.evaluation.evidence import Evidence
from vision_assets.vision.evaluation.gates import GateResult
from vision_assets.vision.evaluation.judgement import gate_json, judgement_json, number, span
from vision_assets.vision.evaluation.pictures import mistakes
from vision_assets.vision.evaluation.plots import learning_curves, slice_bars
from vision_assets.vision.evaluation.scorecard import Scorecard
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.tasks.task import Task
from vision_assets.vision.training.pixels import ReadBytes
from vision_assets.vision.training.progress import EpochReport
from vision_assets.vision.training.provenance import fingerprint

SCHEMA_VERSION = 1
HTML_FILE = "report.html"
SCORECARD_FILE = "scorecard.json"
PREDICTIONS_FILE = "predictions.parquet"
ID_LENGTH = 12
_TEMPLATE = "report.html.j2"
_MISTAKES = 24


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
    history: Sequence[EpochReport] = (),
    *,
    evidence: Evidence | None = None,
    comparison: Comparison | None = None,
) -> Report:
    """Write `root/<report_id>/`; a report of the same findings that is there already stays.

    Args:
        task: the plug-in.
        scorecard: what was found.
        gates: what the gates said of it.
        bundle: what was judged.
        read: gives the bytes of images, for pictures of mistakes.
        root: folder of the use case's reports.
        history: of the training, for learning curves.
        evidence: the scorecard with its intervals and costs.
        comparison: with the champion.
    """
    said = _scorecard_json(scorecard, gates) | judgement_json(evidence, comparison)
    report_id = _report_id(scorecard, gates, judgement_json(evidence, comparison))
    plots = task.plots(scorecard)
    if len(scorecard.slices):
        plots["slices"] = slice_bars(scorecard.slices)
    if history:
        plots["learning curves"] = learning_curves(history)
    of_costs = cost_plots(evidence) if evidence else {}
    with new_folder(root / report_id) as folder:
        (folder / SCORECARD_FILE).write_text(json.dumps(said, indent=2, ensure_ascii=False))
        scorecard.predictions.to_parquet(folder / PREDICTIONS_FILE, index=False)
        page = _template().render(
            scorecard=scorecard,
            gates=gates,
            card=bundle.card,
            plots=plots,
            mistakes=mistakes(scorecard, bundle, read, _MISTAKES),
            n_wrong=int((~scorecard.predictions["correct"].astype(bool)).sum()),
            written_at=datetime.now(UTC),
            data_uri=_data_uri,
            evidence=evidence,
            comparison=comparison,
            cost_plots=of_costs,
            number=number,
            span=span,
        )
        (folder / HTML_FILE).write_text(page)
    return Report(report_id, root / report_id, plots | of_costs)


def read_report(folder: Path) -> tuple[str, pd.DataFrame]:
    """The id of the bundle that was judged, and what it predicted for each image.

    Raises:
        BundleError: there is no such report.
    """
    try:
        scorecard = json.loads((folder / SCORECARD_FILE).read_text())
        return scorecard["bundle_id"], pd.read_parquet(folder / PREDICTIONS_FILE)
    except FileNotFoundError as error:
        raise BundleError(
            f"expected a report in {folder}, but {error.filename} is missing; materialize "
            "evaluation_report again"
        ) from error


def _report_id(scorecard: Scorecard, gates: Sequence[GateResult], judgement: dict[str, Any]) -> str:
    """From what was found; how long it took does not count."""
    predictions = scorecard.predictions.sort_values("image_id")
    found = predictions[["image_id", "label", "predicted"]].astype(str).to_numpy().tolist()
    asked = [[gate.name, gate.asked] for gate in gates]
    sliced = scorecard.slices.astype(str).to_numpy().tolist()
    return fingerprint([scorecard.card.bundle_id, found, asked, sliced, judgement])[:ID_LENGTH]


def _scorecard_json(scorecard: Scorecard, gates: Sequence[GateResult]) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "bundle_id": scorecard.card.bundle_id,
        "n": len(scorecard.predictions),
        "metrics": scorecard.metrics,
        "gates": [gate_json(gate) for gate in gates],
        "per_class": scorecard.per_class.to_dict("records"),
        "confusion": {
            "labels": [str(name) for name in scorecard.confusion.index],
            "counts": scorecard.confusion.to_numpy().tolist(),
        },
        "slices": scorecard.slices.to_dict("records"),
    }


def _template() -> Any:
    import jinja2

    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template(_TEMPLATE)


def _data_uri(data: bytes, mime: str) -> str:
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"
