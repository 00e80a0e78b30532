"""Dataset versions: what is in them, which split, and what changed."""
