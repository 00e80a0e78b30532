"""The component of the toy task; whoever loads a YAML that names it knows the task."""

from vision_assets.components.pipeline import VisionPipeline
from vision_assets.vision.tasks.registry import register
from vision_assets_tests.vision.tasks.toy.spec import ToySpec

NAME, PACKAGE = "toy", "vision_assets_tests.vision.tasks.toy"
register(NAME, PACKAGE)


class ToyPipeline(VisionPipeline):
    """The graph of a toy use case."""

    task = NAME
    spec_type = ToySpec
