"""The project of one use case that the tests of the graph have."""

from vision_assets_tests.graph.conftest import deployed, drop, home, parts, project, write_yaml

__all__ = ["deployed", "drop", "home", "parts", "project", "write_yaml"]
