"""How good the default recipes are on real images; `python -m benchmarks.quality`."""
