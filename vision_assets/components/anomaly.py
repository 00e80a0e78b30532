"""Anomaly detection: learned from normal images alone."""

from vision_assets.components.pipeline import VisionPipeline
from vision_assets.vision.tasks.anomaly.spec import AnomalySpec


class AnomalyPipeline(VisionPipeline):
    """The graph of an anomaly detection use case."""

    task = "anomaly"
    spec_type = AnomalySpec
