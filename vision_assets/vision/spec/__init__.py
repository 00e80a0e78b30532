"""What YAML may say of any use case; a task adds to the recipe.

Plain pydantic: read by the Dagster component, the CLI and the tests alike. Defaults for
all but the source. Names are imported from here; the modules are its rooms.
"""

from vision_assets.vision.spec.annotations import AnnotationErrors, MaskSpec
from vision_assets.vision.spec.automation import FreshnessSpec, ScheduleSpec, TriggersSpec
from vision_assets.vision.spec.base import Fraction, Spec
from vision_assets.vision.spec.dataset import ClassSpec, ExpectationSpec, SplitSpec
from vision_assets.vision.spec.figures import FigureNames
from vision_assets.vision.spec.gates import CHAMPION_CHECK, ChampionSpec, CostSpec, GateSpec
from vision_assets.vision.spec.pipeline import PipelineSpec
from vision_assets.vision.spec.recipe import (
    Augmentation,
    Recipe,
    RecipeSource,
    TiledRecipe,
    TilesSpec,
)
from vision_assets.vision.spec.search import RangeSpec, SearchSpec, Space, checked_space
from vision_assets.vision.spec.serving import ExportSpec, ScoreSpec, ServiceSpec
from vision_assets.vision.spec.source import (
    WITH_OBJECTS,
    BatchSpec,
    ImageRules,
    LabelSource,
    SourceSpec,
)

__all__ = [
    "CHAMPION_CHECK",
    "WITH_OBJECTS",
    "AnnotationErrors",
    "Augmentation",
    "BatchSpec",
    "ChampionSpec",
    "ClassSpec",
    "CostSpec",
    "ExpectationSpec",
    "ExportSpec",
    "FigureNames",
    "Fraction",
    "FreshnessSpec",
    "GateSpec",
    "ImageRules",
    "LabelSource",
    "MaskSpec",
    "PipelineSpec",
    "RangeSpec",
    "Recipe",
    "RecipeSource",
    "ScheduleSpec",
    "ScoreSpec",
    "SearchSpec",
    "ServiceSpec",
    "SourceSpec",
    "Space",
    "Spec",
    "SplitSpec",
    "TiledRecipe",
    "TilesSpec",
    "TriggersSpec",
    "checked_space",
]
