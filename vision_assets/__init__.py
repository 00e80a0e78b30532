"""Machine vision as Dagster assets: images, datasets, models, reports and services.

The component types are named here so that YAML can say `type: vision_assets.<Name>`;
each is imported when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vision_assets.components.anomaly import AnomalyPipeline
    from vision_assets.components.classification import ClassificationPipeline
    from vision_assets.components.detection import DetectionPipeline
    from vision_assets.components.segmentation import SegmentationPipeline

__all__ = [
    "AnomalyPipeline",
    "ClassificationPipeline",
    "DetectionPipeline",
    "SegmentationPipeline",
]

_MODULES = {
    "AnomalyPipeline": "vision_assets.components.anomaly",
    "ClassificationPipeline": "vision_assets.components.classification",
    "DetectionPipeline": "vision_assets.components.detection",
    "SegmentationPipeline": "vision_assets.components.segmentation",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
