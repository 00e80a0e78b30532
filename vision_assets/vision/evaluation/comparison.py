"""Two bundles image by image: what the second one mends, and what it breaks.

<comparison_id>/
  comparison.html     everything inline; opens anywhere, prints on paper
  images.parquet      one row per image
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from scipy.stats import binomtest

from vision_assets.vision.atomic import holding, new_folder
from vision_assets.vision.errors import DatasetError
from vision_assets.vision.evaluation.pages import render
from vision_assets.vision.evaluation.pictures import Picture, pictures
from vision_assets.vision.evaluation.scorecard import Scorecard
from vision_assets.vision.inference.bundle import Bundle, Card
from vision_assets.vision.training.pixels import ReadBytes
from vision_assets.vision.training.provenance import fingerprint

KINDS = ("fixed", "broken", "changed", "unchanged")
"""fixed: wrong, now right. broken: right, now wrong. changed: wrong, now wrong otherwise."""
HTML_FILE = "comparison.html"
IMAGES_FILE = "images.parquet"
_ID_LENGTH = 12
_PICTURES = 24


@dataclass(frozen=True)
class Pair:
    """One image, as the first and as the second bundle answered it."""

    first: Picture
    second: Picture


@dataclass(frozen=True)
class Comparison:
    """What the comparison found.

    Attributes:
        first: card of the bundle that is compared with, such as the champion's.
        second: card of the other one.
        images: one row per image: `image_id`, `label`, `first`, `first_score`, `second`,
            `second_score`, `kind` (one of KINDS).
        n_right: right answers of both, `(first, second)`.
        n_left_out: images that only one of them was judged by.
        fixed: pictures of what is fixed, the surest first.
        broken: pictures of what is broken, the surest first.
    """

    first: Card
    second: Card
    images: pd.DataFrame
    n_right: tuple[int, int]
    n_left_out: int
    fixed: tuple[Pair, ...] = ()
    broken: tuple[Pair, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Images by kind, in the order of KINDS."""
        found = self.images["kind"].value_counts()
        return {kind: int(found.get(kind, 0)) for kind in KINDS}

    @property
    def p_value(self) -> float:
        """Of McNemar's exact test: how often chance alone would give so unequal counts.

        McNemar, "Note on the Sampling Error of the Difference Between Correlated Proportions or
        Percentages", 1947; by the binomial distribution over fixed and broken images.
        """
        fixed, broken = self.counts["fixed"], self.counts["broken"]
        return float(binomtest(fixed, fixed + broken).pvalue) if fixed + broken else 1.0

    @property
    def text(self) -> str:
        """The result in words."""
        n, counts = len(self.images), self.counts
        return (
            f"Of {n} images {self.first.bundle_id} gets {self.n_right[0]} right and "
            f"{self.second.bundle_id} {self.n_right[1]}: {counts['fixed']} are fixed, "
            f"{counts['broken']} broken. Were both equally good, chance would give counts as "
            f"unequal as these with a probability of {self.p_value:.2g} (McNemar's exact test)."
        )

    @property
    def markdown(self) -> str:
        """Counts and the result, as a table for people."""
        head = f"| {' | '.join(self.counts)} |\n|{'---:|' * len(KINDS)}"
        return f"{head}\n| {' | '.join(map(str, self.counts.values()))} |\n\n{self.text}"


def compare(first: Scorecard, second: Scorecard) -> Comparison:
    """Set the outcomes of the images that both were judged by beside each other.

    Raises:
        DatasetError: there are no such images.
    """
    columns = ["image_id", "label", "predicted", "score", "correct"]
    both = second.predictions[columns].merge(
        first.predictions[columns], on="image_id", suffixes=("_second", "_first")
    )
    if both.empty:
        raise DatasetError(
            "expected images that both bundles were judged by, got none; judge both on the same "
            "test split, of which neither learned"
        )
    was, now = both["correct_first"].astype(bool), both["correct_second"].astype(bool)
    kind = pd.Series("unchanged", index=both.index)
    kind[~was & ~now & (both["predicted_first"] != both["predicted_second"])] = "changed"
    kind[~was & now] = "fixed"
    kind[was & ~now] = "broken"
    images = pd.DataFrame(
        {
            "image_id": both["image_id"],
            "label": both["label_second"],
            "first": both["predicted_first"],
            "first_score": both["score_first"],
            "second": both["predicted_second"],
            "second_score": both["score_second"],
            "kind": kind,
        }
    )
    judged = max(len(first.predictions), len(second.predictions))
    n_right = (int(was.sum()), int(now.sum()))
    return Comparison(first.card, second.card, images, n_right, judged - len(both))


def with_pictures(
    comparison: Comparison, first: Bundle, second: Bundle, read: ReadBytes, n: int = _PICTURES
) -> Comparison:
    """The comparison with pictures of at most n fixed and n broken images."""

    def pairs(kind: str) -> tuple[Pair, ...]:
        rows = comparison.images[comparison.images["kind"] == kind]
        rows = rows.sort_values(["second_score", "image_id"], ascending=[False, True]).head(n)
        shown = (
            pictures(_said_by(rows, "first"), first, read),
            pictures(_said_by(rows, "second"), second, read),
        )
        return tuple(Pair(*pair) for pair in zip(*shown, strict=True))

    return replace(comparison, fixed=pairs("fixed"), broken=pairs("broken"))


def write_comparison(comparison: Comparison, root: Path) -> Path:
    """Write `root/<comparison_id>/`; a whole one of the same findings that is there stays.

    Returns:
        The page.
    """
    ids = sorted(comparison.images["image_id"])
    said = [comparison.first.bundle_id, comparison.second.bundle_id, ids]
    target = root / fingerprint(said)[:_ID_LENGTH]
    with new_folder(target, holding(HTML_FILE, IMAGES_FILE)) as folder:
        comparison.images.to_parquet(folder / IMAGES_FILE, index=False)
        page = render("comparison.html.j2", comparison=comparison, written_at=datetime.now(UTC))
        (folder / HTML_FILE).write_text(page)
    return target / HTML_FILE


def _said_by(rows: pd.DataFrame, which: str) -> pd.DataFrame:
    """Rows as `pictures` takes them, with the answers of one of the two."""
    said = {which: "predicted", f"{which}_score": "score"}
    return rows[["image_id", "label", *said]].rename(columns=said)
