"""Batch scoring: the answers of a bundle for every file of a folder, as one Parquet file."""
