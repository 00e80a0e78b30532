"""Classification: one label for each image."""

from vision_assets.assets.label_suspicion import label_suspicion
from vision_assets.components.pipeline import VisionPipeline
from vision_assets.vision.tasks.classification.spec import ClassificationSpec


class ClassificationPipeline(VisionPipeline):
    """The graph of a classification use case."""

    task = "classification"
    spec_type = ClassificationSpec
    asset_builders = (*VisionPipeline.asset_builders, label_suspicion)
