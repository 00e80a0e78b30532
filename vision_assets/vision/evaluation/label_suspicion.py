"""Which labels a person should look at again.

Confident learning (Northcutt, Jiang, Chuang, "Confident Learning: Estimating Uncertainty in
Dataset Labels", 2021): a classifier that never saw an image says how probable each class is; the
image is suspected where another class than the given one is as probable as it is for images that
are said to be of that class. Here the classifier is a logistic regression on the embeddings of
a bundle, trained on the other folds of the images.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from vision_assets.vision.errors import BundleError, DatasetError
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.inference.decode import STORED
from vision_assets.vision.inference.predictor import Predictor
from vision_assets.vision.training.pixels import ReadBytes

EMBEDDING = "embedding"
"""The output of the contract by which images are compared."""
_FOLDS = 5
_FEWEST_FOLDS = 2
_BATCH = 16
_INVERSE_REGULARISATION = 0.1
_STEPS = 1000
_SEED = 0


@dataclass(frozen=True)
class LabelSuspicion:
    """What was found.

    Attributes:
        bundle_id: of the bundle whose embeddings were used.
        dataset: name of the dataset version.
        n: labelled images that were looked at.
        suspects: one row per suspected image, the most suspect first: `image_id`, `source`,
            `split`, `label`, `probability` (of the given label), `suggested`,
            `suggested_probability`.
        confusion: estimated counts; rows are given labels, columns what the images really show.
        left_out: classes with too few images, or groups of them, to judge their labels.
    """

    bundle_id: str
    dataset: str
    n: int
    suspects: pd.DataFrame
    confusion: pd.DataFrame
    left_out: tuple[str, ...]

    @property
    def share(self) -> float:
        """Estimated share of wrong labels."""
        counts = self.confusion.to_numpy()
        return float(1 - np.trace(counts) / counts.sum())


def suspect_labels(
    rows: pd.DataFrame, bundle: Bundle, read: ReadBytes, dataset: str
) -> LabelSuspicion:
    """Look for wrong labels among all labelled images.

    Args:
        rows: manifest rows; those without a label are left alone.
        bundle: gives the embeddings, from bytes.
        read: gives the bytes of images.
        dataset: name of the version that the rows are of.

    Raises:
        DatasetError: fewer than two classes have images of enough groups.
        BundleError: the bundle gives no embeddings.
        ImageRefused: an image cannot be decoded.
    """
    rows = rows[rows["class_id"].notna()].sort_values("image_id")
    judged, left_out = _with_enough_images(rows)
    labels, names = judged["label"].astype(str).to_numpy(), sorted(set(judged["label"].astype(str)))
    given = np.searchsorted(names, labels)
    embeddings = embed(bundle, judged["image_id"].tolist(), read)
    probabilities = out_of_sample(embeddings, given, _groups(judged))
    really = confident_class(probabilities, given)
    counts = np.zeros((len(names), len(names)), int)
    np.add.at(counts, (given[really >= 0], really[really >= 0]), 1)
    return LabelSuspicion(
        bundle_id=bundle.bundle_id,
        dataset=dataset,
        n=len(judged),
        suspects=_ranked(judged, probabilities, given, really, names),
        confusion=pd.DataFrame(
            _calibrated(counts, given), index=pd.Index(names), columns=pd.Index(names)
        ),
        left_out=left_out,
    )


def embed(bundle: Bundle, ids: Sequence[str], read: ReadBytes) -> np.ndarray:
    """The embeddings of images, (n, d) float, from bytes.

    Raises:
        BundleError: the bundle gives none.
    """
    predictor = Predictor(bundle, STORED)
    found: list[np.ndarray] = []
    for batch in _batches(read(ids)):
        outputs = predictor.outputs([predictor.prepare(data) for data in batch])
        if EMBEDDING not in outputs:
            raise BundleError(
                f"expected an output {EMBEDDING!r} of bundle {bundle.bundle_id}, it has "
                f"{sorted(outputs)}; labels are compared by it"
            )
        found.append(outputs[EMBEDDING])
    return np.concatenate(found).astype(np.float64)


def out_of_sample(embeddings: np.ndarray, given: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """How probable each class is, said by a classifier that did not see the image.

    Args:
        embeddings: (n, d).
        given: (n,) index of the class that the label says, 0 to k - 1.
        groups: (n,) images of one group, such as near duplicates, are in one fold; each class has
            images of two groups or more.

    Returns:
        (n, k); 0 for a class that is in no other fold.
    """
    groups_of_class = pd.Series(groups).groupby(given).nunique()
    folds = min(_FOLDS, int(groups_of_class.min()))
    probabilities = np.zeros((len(given), int(given.max()) + 1))
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=_SEED)
    for learned, judged in splitter.split(embeddings, given, groups):
        regression = LogisticRegression(C=_INVERSE_REGULARISATION, max_iter=_STEPS)
        classifier = make_pipeline(StandardScaler(), regression)
        classifier.fit(embeddings[learned], given[learned])
        said = classifier.predict_proba(embeddings[judged])
        probabilities[np.ix_(judged, regression.classes_)] = said
    return probabilities


def confident_class(probabilities: np.ndarray, given: np.ndarray) -> np.ndarray:
    """The class that each image is confidently of.

    That is the most probable one among those that are at least as probable as they are, on
    average, for images that are said to be of them.

    Args:
        probabilities: (n, k), out of sample.
        given: (n,) index of the class that the label says.

    Returns:
        (n,) index of a class; -1 where no class is that probable.
    """
    k = probabilities.shape[1]
    expected = np.array([probabilities[given == index, index].mean() for index in range(k)])
    confident = np.where(probabilities >= expected, probabilities, -1)
    return np.where(confident.max(1) >= 0, confident.argmax(1), -1)


def _with_enough_images(rows: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    groups = pd.Series(_groups(rows), rows.index).groupby(rows["label"].astype(str)).nunique()
    few = groups.index[groups < _FEWEST_FOLDS]
    if len(groups) - len(few) < 2:
        n_groups = groups.to_dict()
        raise DatasetError(
            f"expected at least two classes with images of {_FEWEST_FOLDS} groups or more (parts, "
            f"lots, look-alikes), got {n_groups}; label more images"
        )
    return rows[~rows["label"].isin(few)], tuple(sorted(few))


def _groups(rows: pd.DataFrame) -> np.ndarray:
    """The group of each image where the version knows one, otherwise a group of its own."""
    own = rows["image_id"].astype(str)
    groups = rows["group"].astype("string").fillna(own) if "group" in rows else own
    return pd.factorize(groups)[0]


def _ranked(
    rows: pd.DataFrame,
    probabilities: np.ndarray,
    given: np.ndarray,
    really: np.ndarray,
    names: Sequence[str],
) -> pd.DataFrame:
    """The suspects by how much more probable the suggested class is than the given one."""
    (chosen,) = np.nonzero((really >= 0) & (really != given))
    columns = [name for name in ("image_id", "source", "split", "label") if name in rows]
    found = rows.iloc[chosen][columns].reset_index(drop=True)
    found["probability"] = probabilities[chosen, given[chosen]]
    found["suggested"] = [names[index] for index in really[chosen]]
    found["suggested_probability"] = probabilities[chosen, really[chosen]]
    margin = found["suggested_probability"] - found["probability"]
    order = margin.sort_values(ascending=False, kind="stable").index
    return found.loc[order].reset_index(drop=True)


def _calibrated(counts: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Confident counts, scaled so that each row sums to the images of its label."""
    sizes = np.bincount(given, minlength=len(counts))
    filled = np.where(counts.sum(1, keepdims=True) > 0, counts, np.eye(len(counts)))
    return filled / filled.sum(1, keepdims=True) * sizes[:, None]


def _batches(images: Iterator[tuple[str, bytes]]) -> Iterator[list[bytes]]:
    while batch := [data for _, data in islice(images, _BATCH)]:
        yield batch
