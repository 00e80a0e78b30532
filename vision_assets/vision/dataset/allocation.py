"""How many images of each class a split gets, and which groups fill it.

Counts go by class and split in the order of `manifest.SPLITS`: arrays (k, 3). What is there
already stays; newcomers fill the splits that lack most, so that the shares converge.
"""

import numpy as np

_PRIORITY = (0, 2, 1)  # train, test, val: who gets a first image where there are few


def targets(n: int, shares: np.ndarray) -> np.ndarray:
    """n images of one class divided by shares: at least one in train, then test, then val.

    Args:
        n: number of images.
        shares: (3,) wanted shares, which sum to 1.

    Returns:
        (3,) int64, with sum n.
    """
    counts = _apportion(n, shares)
    for split in _PRIORITY:
        spare = counts.max() > 1 or split == 0
        if n and shares[split] > 0 and counts[split] == 0 and spare:
            counts[counts.argmax()] -= 1
            counts[split] += 1
    return counts


def place_single(classes: np.ndarray, have: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Put images without a group into splits, class by class, in the order given.

    Args:
        classes: (n,) int64, class of each image.
        have: (k, 3) int64, images per class and split so far.
        shares: (k, 3) wanted shares of each class.

    Returns:
        (n,) int64, the split of each image.
    """
    result = np.empty(len(classes), np.int64)
    for label in np.unique(classes):
        members = np.flatnonzero(classes == label)
        wanted = targets(len(members) + have[label].sum(), shares[label])
        quotas = _apportion(len(members), np.maximum(wanted - have[label], 0))
        result[members] = np.repeat(np.arange(3), quotas)
    return result


def place_groups(groups: np.ndarray, total: np.ndarray, have: np.ndarray, shares: np.ndarray):
    """Put whole groups into splits, largest first.

    Each goes where it brings the counts nearest to the wanted ones, by the chi-square distance.

    Args:
        groups: (g, k) int64, images per group and class.
        total: (k,) int64, images per class in the end.
        have: (k, 3) int64, images per class and split so far.
        shares: (k, 3) wanted shares of each class.

    Returns:
        (g,) int64, the split of each group.
    """
    wanted, have = total[:, None] * shares, have.astype(float)
    result = np.empty(len(groups), np.int64)
    for group in np.argsort(-groups.sum(axis=1), kind="stable"):
        classes = np.flatnonzero(groups[group])
        result[group] = _nearest(groups[group, classes], wanted[classes], have[classes])
        have[:, result[group]] += groups[group]
    return result


def _nearest(counts: np.ndarray, wanted: np.ndarray, have: np.ndarray) -> int:
    n = counts[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        cost = ((n * n + 2 * n * (have - wanted)) / wanted).sum(axis=0)
        filled = np.nan_to_num(have / wanted).sum(axis=0)
    cost = np.where(wanted.sum(axis=0) > 0, cost, np.inf)
    return min(_PRIORITY, key=lambda split: (round(float(cost[split]), 9), filled[split]))


def _apportion(n: int, weights: np.ndarray) -> np.ndarray:
    """Largest remainders (Hamilton's method); ties go by priority."""
    exact = n * weights / weights.sum()
    counts = np.floor(exact + 1e-9).astype(np.int64)
    remainders = np.round(exact - counts, 9)
    by_remainder = sorted(_PRIORITY, key=lambda split: -remainders[split])
    for split in by_remainder[: n - counts.sum()]:
        counts[split] += 1
    return counts
