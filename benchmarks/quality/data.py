"""The use cases that are measured: what their YAML would say, on folders of real images.

The folders are those of `VISION_ASSETS_TEST_DATA`; what is not said here has the default of the
task, the recipe above all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from vision_assets.vision.spec import PipelineSpec
from vision_assets.vision.tasks.anomaly.spec import AnomalySpec
from vision_assets.vision.tasks.classification.spec import ClassificationSpec
from vision_assets.vision.tasks.detection.spec import DetectionSpec
from vision_assets.vision.tasks.segmentation.spec import SegmentationSpec

_TILE = r"/Imgs/exp(?P<exposure>\d)_num_\d+\.jpg"
_STEEL = r"(?P<label>.+)_\d+\.jpg"
_VAL_OF_A_FIFTH = {"train": 0.6, "val": 0.2, "test": 0.2}


@dataclass(frozen=True)
class Data:
    """A use case without its recipe.

    Attributes:
        task: name of the task plug-in.
        spec_type: the model of its attributes.
        folder: of the images, below that of the real data.
        source: as YAML says it, but for `landing`.
        splits: as YAML says them; given splits are kept.
        drawn_by_seed: each seed of a training draws splits of its own, so that a threshold is
            chosen by other images and tested on other ones each time.
    """

    task: str
    spec_type: type[PipelineSpec]
    folder: str
    source: Mapping[str, Any]
    splits: Mapping[str, Any]
    drawn_by_seed: bool = False

    def spec(self, root: Path, recipe: Mapping[str, Any], seed: int) -> PipelineSpec:
        """The attributes of one training.

        Args:
            root: folder of the real data.
            recipe: fields that are not to have their default.
            seed: of the training.

        Raises:
            ValidationError: the recipe has no such field, or does not take that value.
        """
        landing = str((root / self.folder).absolute())
        return self.spec_type.model_validate(
            {
                "source": {"landing": landing, "settle_s": 0, **self.source},
                "splits": {**self.splits, "seed": seed if self.drawn_by_seed else 0},
                "recipe": {**recipe, "seed": seed},
            }
        )


_classification = partial(Data, "classification", ClassificationSpec)
_detection = partial(Data, "detection", DetectionSpec)
_segmentation = partial(Data, "segmentation", SegmentationSpec)
_anomaly = partial(Data, "anomaly", AnomalySpec)

DATA = {
    "steel": _classification(
        folder="neu-steel/images",
        source={"label": "pattern", "pattern": _STEEL},
        splits=_VAL_OF_A_FIFTH,
    ),
    "smears": _detection(
        folder="bccd",
        source={"label": "voc", "ignore": ["LICENSE"]},
        splits={},
    ),
    "steel_boxes": _detection(
        folder="neu-steel",
        source={"label": "voc", "pattern": _STEEL},
        splits={},
    ),
    # One class for all defects: what the names of their folders have in common, `MT`.
    "tile_masks": _segmentation(
        folder="magnetic-tile",
        source={
            "label": "masks",
            "pattern": rf"(?:MT_Free|(?P<label>MT)_[^/]+){_TILE}",
            "masks": {"kind": "binary", "threshold": 128, "extension": ".png"},
        },
        splits={},
    ),
    "normal_tiles": _anomaly(
        folder="magnetic-tile",
        source={
            "label": "masks",
            "pattern": rf"MT_(?P<label>[^/]+){_TILE}",
            "masks": {"kind": "binary", "threshold": 128, "extension": ".png"},
        },
        splits=_VAL_OF_A_FIFTH,
        drawn_by_seed=True,
    ),
}
