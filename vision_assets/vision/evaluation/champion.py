"""No worse than the champion: both bundles judged on the same images, from bytes.

The lower bound of the paired bootstrap interval of new minus champion has to lie above minus the
margin. Left out, for both, are images that the champion was trained on, and images of a class
that one of them does not know.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from vision_assets.vision.errors import BundleError, DatasetError
from vision_assets.vision.evaluation.bootstrap import CONFIDENCE, paired_differences
from vision_assets.vision.evaluation.comparison import Comparison, compare
from vision_assets.vision.evaluation.costs import DECISION_FIGURES
from vision_assets.vision.evaluation.evaluate import evaluate
from vision_assets.vision.evaluation.evidence import Evidence
from vision_assets.vision.evaluation.figure import Interval
from vision_assets.vision.evaluation.gates import NOT_DEPLOYED, Case, GateResult, Verdict
from vision_assets.vision.evaluation.scorecard import Scorecard
from vision_assets.vision.inference.bundle import Bundle, Card
from vision_assets.vision.merging import merged_ids
from vision_assets.vision.objects import class_ids
from vision_assets.vision.spec import CHAMPION_CHECK, ChampionSpec, ClassSpec
from vision_assets.vision.training.pixels import ReadBytes

TrainedOn = Callable[[Card], Collection[str]]
"""Ids of the images that the model of a bundle was trained or calibrated on."""
_EPSILON = 1e-9
"""Sums of floats that differ by less are equal."""
_REMEDY = (
    "restore what is missing from a backup, or write `champion: null` in the YAML for one "
    "deployment"
)


@dataclass(frozen=True)
class FairImages:
    """The images on which two bundles may be compared.

    Attributes:
        rows: of the manifest.
        unknown_class: how many were left out, as one of the bundles does not know their class.
        trained_on: how many were left out, as the champion was trained on them.
    """

    rows: pd.DataFrame
    unknown_class: int
    trained_on: int

    @property
    def text(self) -> str:
        """How many there are, and what was left out."""
        return (
            f"{len(self.rows)} images; left out: {self.trained_on} that the champion was trained "
            f"on, {self.unknown_class} of classes that one of the two does not know"
        )


@dataclass(frozen=True)
class Contest:
    """The figures of two bundles on the same images.

    Attributes:
        champion: the bundle that is deployed.
        images: on which both were judged.
        figures: one row per figure of all images: `figure`, `new`, `champion`, `difference`,
            `low` and `high` (its interval).
        comparison: the champion first and the new bundle second, image by image.
    """

    champion: Bundle
    images: FairImages
    figures: pd.DataFrame
    comparison: Comparison


@dataclass(frozen=True)
class Challenge:
    """How a new bundle stands against the champion.

    Attributes:
        gate: the result, as of any gate.
        contest: None where the two were not compared.
    """

    gate: GateResult
    contest: Contest | None = None


def challenge(
    evidence: Evidence,
    champion: Path | None,
    trained_on: TrainedOn,
    read: ReadBytes,
    spec: ChampionSpec,
    classes: Sequence[ClassSpec] = (),
) -> Challenge:
    """Judge the champion on the images of the evidence, and compare.

    Args:
        evidence: of the new bundle on the test split.
        champion: folder of the bundle that is deployed; None before the first deployment.
        trained_on: may raise DatasetError where that is not known any more.
        read: gives the bytes of images.
        spec: what is asked for.
        classes: as the YAML declares them.
    """
    new = evidence.scorecard.card
    if champion is None:
        return _say(spec, "passed", "there is no champion yet; a first model has none to beat")
    try:
        bundle = Bundle.load(champion)
        if bundle.bundle_id == new.bundle_id:
            return _say(spec, "passed", f"bundle {bundle.bundle_id} is the champion itself")
        seen, merged = trained_on(bundle.card), merged_ids(classes)
        images = fair_images(evidence.rows, (new, bundle.card), seen, merged)
        if len(images.rows) < spec.min_n:
            return _undecided(
                spec,
                f"bundle {bundle.bundle_id} can be compared on {images.text}; {spec.min_n} are "
                "asked for (min_n): label more images, or lower min_n",
            )
        old = evaluate(evidence.task, bundle, images.rows, read)
    except (BundleError, DatasetError) as error:
        return _undecided(spec, f"the champion cannot be judged ({error}): {_REMEDY}")
    return _compared(evidence, bundle, images, old, spec)


def fair_images(
    rows: pd.DataFrame,
    cards: tuple[Card, Card],
    trained_on: Collection[str],
    merged: Mapping[int, int] = MappingProxyType({}),
) -> FairImages:
    """The images on which neither bundle has an advantage.

    Args:
        rows: of the manifest, with `image_id`, `class_id` and, where there are any, `objects`.
        cards: of the bundles.
        trained_on: ids of images that the champion has seen.
        merged: classes that became part of others, which a bundle that still tells them apart
            cannot be judged by.
    """
    one, other = ({entry.id for entry in card.classes} for card in cards)
    one = one - {merged[each] for each in one ^ other if each in merged}
    objects = rows["objects"] if "objects" in rows else [None] * len(rows)
    shown = (class_ids(*said) for said in zip(rows["class_id"], objects, strict=True))
    unknown = pd.Series([not found <= one & other for found in shown], rows.index, bool)
    seen = ~unknown & rows["image_id"].isin(list(trained_on))
    return FairImages(rows[~unknown & ~seen], int(unknown.sum()), int(seen.sum()))


def _compared(
    evidence: Evidence, champion: Bundle, images: FairImages, old: Scorecard, spec: ChampionSpec
) -> Challenge:
    new = evidence.outcomes[evidence.outcomes["image_id"].isin(images.rows["image_id"])]
    at_asked = paired_differences(new, old.predictions, evidence.figures, spec.confidence)
    if spec.metric not in at_asked:
        return _undecided(
            spec,
            f"expected champion.metric to be a figure that both bundles have, of "
            f"{sorted(at_asked)}, got {spec.metric!r}: name one of them",
        )
    gain = _as_gain(spec.metric, at_asked[spec.metric])
    contest = Contest(
        champion=champion,
        images=images,
        figures=_figures(evidence, new, old.predictions),
        comparison=compare(old, evidence.scorecard),
    )
    return Challenge(_gate(contest, gain, spec), contest)


def _figures(evidence: Evidence, new: pd.DataFrame, old: pd.DataFrame) -> pd.DataFrame:
    differences = paired_differences(new, old, evidence.figures, CONFIDENCE)
    values = [evidence.seen(outcomes) for outcomes in (new, old)]
    rows = [
        {
            "figure": name,
            "new": values[0][name],
            "champion": values[1][name],
            "difference": found.value,
            "low": found.low,
            "high": found.high,
        }
        for name, found in differences.items()
        if "/" not in name
    ]
    return pd.DataFrame(rows)


def _as_gain(metric: str, difference: Interval) -> Interval:
    """By how much new is better: fewer escapes, for one, are a gain."""
    if metric.partition("/")[0] not in DECISION_FIGURES:
        return difference
    return Interval(-difference.value, -difference.high, -difference.low, difference.n)


def _gate(contest: Contest, gain: Interval, spec: ChampionSpec) -> GateResult:
    passed = gain.low > -spec.margin + _EPSILON
    verdict: Verdict = "passed" if passed else "failed"
    said = (
        f"gain in {spec.metric} over bundle {contest.champion.bundle_id}: {gain.value:+.4f} "
        f"({gain.low:+.4f} to {gain.high:+.4f}), on {contest.images.text}"
    )
    if not passed:
        said += (
            f"; the lower bound has to lie above {-spec.margin:g}: look at what broke, label more "
            "images so that the interval is narrower, or raise champion.margin"
        )
    case = Case("new against champion", gain, verdict)
    return GateResult(CHAMPION_CHECK, _asked(spec), verdict, said, (case,))


def _asked(spec: ChampionSpec) -> str:
    return (
        f"{spec.metric} no worse than the champion's: lower bound of the paired "
        f"{spec.confidence:.0%} interval above {-spec.margin:g}"
    )


def _undecided(spec: ChampionSpec, text: str) -> Challenge:
    return _say(spec, "undecided", f"undecided: {text}; {NOT_DEPLOYED}")


def _say(spec: ChampionSpec, verdict: Verdict, text: str) -> Challenge:
    """A result without a contest."""
    return Challenge(GateResult(CHAMPION_CHECK, _asked(spec), verdict, text))
