"""Splits that are stratified, keep groups whole, and stay as they are when images arrive.

What holds, in this order:

1. A given split is honoured, even where it leaks; the leak is reported by a check. With
   `val_of_train`, what is given to train is divided between train and val: a newcomer joins the
   split of its group, a new group is drawn.
2. An image stays in the split that it was first put in. Where images of two splits turn out to
   be linked, val yields to test and train to both: a test image never leaves.
3. A newcomer joins the split that it is linked to. One that is linked to two is held out.
4. Other newcomers fill the splits that lack images of their class, whole groups at a time.

The function is deterministic: rows come sorted by id, and chance is a hash of id and seed.
"""

from collections.abc import Collection

import numpy as np
import pandas as pd

from vision_assets.vision.dataset.allocation import place_groups, place_single
from vision_assets.vision.dataset.groups import Links
from vision_assets.vision.dataset.id_lookup import take_text
from vision_assets.vision.manifest import HELD_OUT, SPLITS, TEXT, UNLABELLED
from vision_assets.vision.spec import SplitSpec

_TRAIN, _VAL, _TEST = 1, 2, 4
_MARKS = np.array([_TRAIN, _VAL, _TEST], np.uint8)
_NAMES = {_TRAIN: "train", _VAL: "val", _TEST: "test"}
_SEVERAL = np.array([bits.bit_count() > 1 for bits in range(8)])


def assign_splits(
    images: pd.DataFrame, links: Links, spec: SplitSpec, test_only: Collection[int] = ()
) -> pd.DataFrame:
    """Put every image into a split, or say why it is in none.

    Args:
        images: sorted by `image_id`, with `class_id`, `given_split`, `assigned_split` (of the
            version before) and `duplicate_of`.
        links: direct links between these images.
        spec: shares, seed.
        test_only: ids of classes whose images are put into the test split alone.

    Returns:
        `split`, `assigned_split`, `held_out_because` and `group`, indexed as `images`.
    """
    return _Assignment(images, links, spec, test_only).run()


class _Assignment:
    """State of one assignment: `marks` holds one bit per image for the split that it is in."""

    def __init__(
        self, images: pd.DataFrame, links: Links, spec: SplitSpec, test_only: Collection[int]
    ) -> None:
        self.images, self.links, self.spec = images, links, spec
        self.test_only = list(test_only)
        self.labelled = images["class_id"].notna().to_numpy(bool)
        self.given = _marks(images["given_split"])
        self.before = _marks(images["assigned_split"])
        if spec.val_of_train:
            self._hold_val_out_of_train()
        self.marks = np.where(self.given > 0, self.given, self.before)
        self.marks[~self.labelled] = 0
        self.newcomers = self.labelled & (self.marks == 0)
        self.reasons = np.full(len(images), None, object)

    def _hold_val_out_of_train(self) -> None:
        """Of the images given to train, whole components go to val; for good, once put there.

        Newcomers join the placed images of their component. Where these are in both splits the
        newcomers are treated as if no split were given, so that those between both are held out.
        """
        given, known = self.given == _TRAIN, np.isin(self.before, (_TRAIN, _VAL))
        component = self.links.components(given | known)
        in_train, in_val = (
            pd.Series(self.before == mark).groupby(component).transform("any").to_numpy()
            for mark in (_TRAIN, _VAL)
        )
        drawn = np.where(self._drawn_to_val(component), _VAL, _TRAIN)
        joined = np.select([in_train & in_val, in_val, in_train], [0, _VAL, _TRAIN], drawn)
        self.given[given] = np.where(known, self.before, joined)[given]

    def _drawn_to_val(self, component: np.ndarray) -> np.ndarray:
        """(n,) bool, alike for all images of a component."""
        first = self.images["image_id"].groupby(component).transform("min")
        share = self.spec.val / max(self.spec.train + self.spec.val, 1e-9)
        return _chance(first, self.spec.seed) / 2.0**64 < share

    def run(self) -> pd.DataFrame:
        self._refuse_unknown_given_splits()
        self._hold_out_twins()
        self._yield()
        self._hold_out_bridges()
        self._join_and_place()
        return self._result()

    def _refuse_unknown_given_splits(self) -> None:
        given = self.images["given_split"]
        wrong = self.newcomers & given.notna().to_numpy() & (_marks(given) == 0)
        for split in given[wrong].unique():
            same = wrong & (given == split).fillna(False).to_numpy(bool)
            self._hold_out(same, f"given split {split!r} is none of {', '.join(SPLITS)}")

    def _hold_out_twins(self) -> None:
        twins = self.newcomers & self.images["duplicate_of"].notna().to_numpy()
        self._hold_out(twins, "the same picture as another image")

    def _yield(self) -> None:
        """Of linked images in two splits, the one of less standing is held out."""
        for low, higher in ((_VAL, _TEST), (_TRAIN, _VAL | _TEST)):
            touched = self.links.touched(self.marks) & higher
            leaving = (self.marks == low) & (self.given == 0) & (touched > 0)
            for split in (_TEST, _VAL):
                stronger = leaving & (touched & split > 0) & (self.marks > 0)
                self._hold_out(stronger, f"{_NAMES[low]} image linked to {_NAMES[split]} images")

    def _hold_out_bridges(self) -> None:
        """A newcomer linked to two splits, directly or through other newcomers."""
        touched = self.links.touched(self.marks)
        self._hold_out(self.newcomers & _SEVERAL[touched], "linked to images of several splits")
        component = self.links.components(self.newcomers)
        contacts = _contacts(component, touched, self.newcomers)
        kept = _MARKS[contacts.argmax(axis=1)] if len(contacts) else _MARKS[:0]
        members = np.flatnonzero(self.newcomers)
        strays = members[touched[members] & ~kept[component[members]] > 0]
        self._hold_out(_mask(strays, len(touched)), "its group is linked to several splits")

    def _join_and_place(self) -> None:
        """Newcomers linked to one split join it; the others fill what lacks."""
        touched = self.links.touched(self.marks)
        component = self.links.components(self.newcomers)
        joined = (_contacts(component, touched, self.newcomers) > 0) @ _MARKS
        members = np.flatnonzero(self.newcomers)
        self.marks[members] = joined[component[members]]
        self._hold_out_strays_of_train()
        free = self.newcomers & (self.marks == 0)
        if free.any():
            self._place(np.flatnonzero(free), component)

    def _hold_out_strays_of_train(self) -> None:
        """Newcomers given to train that neither train nor val was found for."""
        given = _marks(self.images["given_split"]) == _TRAIN
        strays = self.newcomers & given & ~np.isin(self.marks, (_TRAIN, _VAL))
        self._hold_out(strays, "its group is linked to several splits")

    def _place(self, free: np.ndarray, component: np.ndarray) -> None:
        """Groups first, as they fit less easily, then single images."""
        classes, ids = pd.factorize(self.images["class_id"])
        free = free[np.argsort(_chance(self.images["image_id"].iloc[free], self.spec.seed))]
        single = np.bincount(component[free])[component[free]] == 1
        grouped, single = free[~single], free[single]
        numbers, group = np.unique(component[grouped], return_inverse=True)
        table = np.zeros((len(numbers), classes.max() + 1), np.int64)
        np.add.at(table, (group, classes[grouped]), 1)
        have = self._counts(classes)
        total = have.sum(axis=1) + np.bincount(classes[free], minlength=len(have))
        shares = self._shares(ids)
        self.marks[grouped] = _MARKS[place_groups(table, total, have, shares)][group]
        have = self._counts(classes)
        self.marks[single] = _MARKS[place_single(classes[single], have, shares)]

    def _shares(self, ids: pd.Index) -> np.ndarray:
        """(k, 3) wanted shares of each class."""
        shares = np.tile([self.spec.train, self.spec.val, self.spec.test], (len(ids), 1))
        shares[ids.isin(self.test_only)] = (0, 0, 1)
        return shares

    def _counts(self, classes: np.ndarray) -> np.ndarray:
        """(k, 3) images per class and split."""
        of_split = [np.bincount(classes[self.marks == mark]) for mark in _MARKS]
        counts = np.zeros((classes.max() + 1, 3), np.int64)
        for split, per_class in enumerate(of_split):
            counts[: len(per_class), split] = per_class
        return counts

    def _hold_out(self, images: np.ndarray, reason: str) -> None:
        self.reasons[images] = reason
        self.marks[images] = 0
        self.newcomers = self.newcomers & ~images

    def _result(self) -> pd.DataFrame:
        index, names = self.images.index, [HELD_OUT, UNLABELLED, *SPLITS]
        in_split = _number(self.marks) + 2
        outside = np.where(self.labelled, 0, 1)
        assigned = _number(np.where(self.marks > 0, self.marks, self.before))
        columns = {
            "split": take_text(names, np.where(self.marks > 0, in_split, outside), index),
            "assigned_split": take_text(SPLITS, assigned, index),
            "held_out_because": pd.Series(self.reasons, index, TEXT),
            "group": self._groups(),
        }
        return pd.DataFrame(columns)

    def _groups(self) -> pd.Series:
        """The smallest id of the component names the group, by its first 16 digits."""
        component = self.links.components(self.marks > 0)
        members = np.flatnonzero(component >= 0)
        first = np.full(component.max(initial=-1) + 1, len(component))
        np.minimum.at(first, component[members], members)
        rows = np.full(len(component), -1)
        rows[members] = first[component[members]]
        ids = self.images["image_id"].str.slice(0, 16).reset_index(drop=True)
        return ids.reindex(rows).set_axis(self.images.index)


def _marks(splits: pd.Series) -> np.ndarray:
    marks = np.zeros(len(splits), np.uint8)
    for mark, name in _NAMES.items():
        marks[(splits == name).fillna(False).to_numpy(bool)] = mark
    return marks


def _number(marks: np.ndarray) -> np.ndarray:
    """Position in SPLITS; -1 where there is no mark."""
    numbers = np.full(_TEST + 1, -1)
    numbers[_MARKS] = np.arange(len(SPLITS))
    return numbers[marks]


def _contacts(component: np.ndarray, touched: np.ndarray, members: np.ndarray) -> np.ndarray:
    """(components, 3): how many members of a component are linked to each split."""
    counts = np.zeros((component.max(initial=-1) + 1, 3), np.int64)
    for split, mark in enumerate(_MARKS):
        linked = members & (touched & mark > 0)
        counts[:, split] = np.bincount(component[linked], minlength=len(counts))
    return counts


def _mask(positions: np.ndarray, n: int) -> np.ndarray:
    mask = np.zeros(n, bool)
    mask[positions] = True
    return mask


def _chance(ids: pd.Series, seed: int) -> np.ndarray:
    """One 64-bit hash per id, which depends on the seed."""
    return pd.util.hash_array(ids.to_numpy(object), hash_key=f"{seed:016d}"[-16:])
