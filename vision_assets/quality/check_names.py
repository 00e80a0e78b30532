"""Names of the checks that are ours and not of Great Expectations."""

LEAKAGE = "no_leakage"
DUPLICATE_LABELS = "duplicates_agree"
HELD_OUT_IMAGES = "held_out"
