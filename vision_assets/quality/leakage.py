"""Checks that look at several images at once: leaks between splits, twins, what is held out."""

from typing import Any

import numpy as np
import pandas as pd

from vision_assets.quality.check_names import DUPLICATE_LABELS, HELD_OUT_IMAGES, LEAKAGE
from vision_assets.quality.samples import sample_rows
from vision_assets.vision.expectation_result import ExpectationResult
from vision_assets.vision.manifest import HELD_OUT, SPLITS

_N_SAMPLES = 20


def leakage(manifest: pd.DataFrame) -> ExpectationResult:
    """No group is in two splits; near duplicates are of one group.

    Splits that are computed cannot leak, given ones can.
    """
    members = manifest[manifest["split"].isin(SPLITS)]
    group, split = (pd.factorize(members[column])[0] for column in ("group", "split"))
    first, last = np.full(len(members), len(SPLITS)), np.full(len(members), -1)
    np.minimum.at(first, group, split)
    np.maximum.at(last, group, split)
    leaking = members[first[group] != last[group]]
    return ExpectationResult(
        name=LEAKAGE,
        severity="critical",
        passed=leaking.empty,
        description="no group and no near duplicate is in two splits",
        observed=f"{leaking['group'].nunique()} groups in several splits",
        unexpected_count=len(leaking),
        samples=_samples(
            leaking.sort_values(["group", "split"]), "label", "split", "given_split", "group"
        ),
    )


def duplicates_agree(manifest: pd.DataFrame) -> ExpectationResult:
    """Images of the same picture have the same label."""
    twins = manifest[manifest["duplicate_of"].notna() & manifest["class_id"].notna()]
    others = manifest[manifest["image_id"].isin(twins["duplicate_of"])]
    other = twins["duplicate_of"].map(others.set_index("image_id")["label"])
    differing = twins.assign(other_label=other)[other.notna() & (other != twins["label"])]
    return ExpectationResult(
        name=DUPLICATE_LABELS,
        severity="warning",
        passed=differing.empty,
        description="images of the same picture have the same label",
        observed=f"{len(twins)} labelled duplicates",
        unexpected_count=len(differing),
        samples=_samples(differing, "label", "duplicate_of", "other_label"),
    )


def held_out(manifest: pd.DataFrame) -> ExpectationResult:
    """No labelled image is held out, but for duplicates, which count once on purpose."""
    out = manifest[(manifest["split"] == HELD_OUT) & manifest["duplicate_of"].isna()]
    reasons = out["held_out_because"].value_counts()
    return ExpectationResult(
        name=HELD_OUT_IMAGES,
        severity="warning",
        passed=out.empty,
        description="no labelled image is held out of the splits",
        observed={str(reason): int(n) for reason, n in reasons.items()},
        unexpected_count=len(out),
        samples=_samples(out, "label", "held_out_because"),
    )


def _samples(rows: pd.DataFrame, *columns: str) -> list[dict[str, Any]]:
    return sample_rows(rows, ["image_id", "source", *columns], _N_SAMPLES)
