"""Drawn pictures of machined surfaces with defects, for demos, tests and benchmarks."""
