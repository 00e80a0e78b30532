"""Segmentation: the class of every pixel, and the regions that they make."""

from vision_assets.components.pipeline import VisionPipeline
from vision_assets.vision.tasks.segmentation.spec import SegmentationSpec


class SegmentationPipeline(VisionPipeline):
    """The graph of a segmentation use case."""

    task = "segmentation"
    spec_type = SegmentationSpec
