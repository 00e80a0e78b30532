"""Removing what is needed no longer, by the policy `keep` of each use case."""
