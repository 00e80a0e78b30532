"""Detection: a box and a class for each object on an image."""

from vision_assets.components.pipeline import VisionPipeline
from vision_assets.vision.tasks.detection.spec import DetectionSpec


class DetectionPipeline(VisionPipeline):
    """The graph of a detection use case."""

    task = "detection"
    spec_type = DetectionSpec
