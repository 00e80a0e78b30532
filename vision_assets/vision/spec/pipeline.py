"""The attributes of a use case; a task's spec extends them."""

from collections.abc import Collection, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from vision_assets.vision.spec.automation import FreshnessSpec, ScheduleSpec, TriggersSpec
from vision_assets.vision.spec.base import Spec, wrong_fields
from vision_assets.vision.spec.dataset import ClassSpec, ExpectationSpec, SplitSpec
from vision_assets.vision.spec.figures import FigureNames
from vision_assets.vision.spec.gates import CHAMPION_CHECK, ChampionSpec, CostSpec, GateSpec
from vision_assets.vision.spec.keep import KeepSpec
from vision_assets.vision.spec.recipe import Recipe
from vision_assets.vision.spec.search import SearchSpec, checked_space
from vision_assets.vision.spec.serving import ExportSpec, ScoreSpec, ServiceSpec
from vision_assets.vision.spec.source import ImageRules, SourceSpec


class PipelineSpec(Spec):
    """The attributes that every task's component shares.

    Attributes:
        learns_from: what an image needs to be in a split: a label, or a list of its objects.
        decided_by: keys from which the thresholds of a bundle follow.
        measures: the figures of the task's reports; None: not known, nothing is checked by them.
    """

    learns_from: ClassVar[Literal["label", "objects"]] = "label"
    decided_by: ClassVar[tuple[str, ...]] = ("costs",)
    measures: ClassVar[FigureNames | None] = None

    source: SourceSpec
    recipe: Recipe = Recipe()
    images: ImageRules = ImageRules()
    classes: tuple[ClassSpec, ...] = Field(
        default=(), description="Empty: learned from the labels in the order in which they come."
    )
    splits: SplitSpec = SplitSpec()
    expectations: tuple[ExpectationSpec, ...] = Field(
        default=(), description="Added to the default suite; the same name replaces a default one."
    )
    gates: tuple[GateSpec, ...] = ()
    champion: ChampionSpec | None = Field(
        default=ChampionSpec(), description="null: a model need not be as good as the one before."
    )
    costs: CostSpec = CostSpec()
    export: ExportSpec = ExportSpec()
    search: SearchSpec = SearchSpec()
    score: ScoreSpec | None = Field(
        default=None, description="null: there is no asset `batch_predictions`."
    )
    slices: tuple[str, ...] = Field(default=(), description="Manifest columns to report by.")
    triggers: TriggersSpec = TriggersSpec()
    schedule: ScheduleSpec = ScheduleSpec()
    freshness: FreshnessSpec = FreshnessSpec()
    service: ServiceSpec = ServiceSpec()
    keep: KeepSpec = KeepSpec()

    @field_validator("gates")
    @classmethod
    def _gates_have_names_of_their_own(cls, gates: tuple[GateSpec, ...]) -> tuple[GateSpec, ...]:
        names = [CHAMPION_CHECK, *(gate.check_name for gate in gates)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two gates would be the check {twice}; give one of them a `name`")
        return gates

    @field_validator("classes", mode="before")
    @classmethod
    def _names_get_ids_by_position(cls, classes: Any) -> Any:
        if isinstance(classes, list) and all(isinstance(entry, str) for entry in classes):
            return [{"id": index, "name": name} for index, name in enumerate(classes)]
        return classes

    @field_validator("classes")
    @classmethod
    def _classes_are_unique(cls, classes: tuple[ClassSpec, ...]) -> tuple[ClassSpec, ...]:
        for field in ("id", "name"):
            values = [getattr(entry, field) for entry in classes]
            twice = sorted({value for value in values if values.count(value) > 1})
            if twice:
                raise ValueError(f"class {field} used twice: {twice}")
        ids = [entry.id for entry in classes]
        ids += [merged for entry in classes for merged in entry.merges]
        twice = sorted({each for each in ids if ids.count(each) > 1})
        if twice:
            raise ValueError(f"class ids that are merged and listed, or merged twice: {twice}")
        return classes

    def test_only(self, classes: Sequence[ClassSpec]) -> Collection[int]:
        """Ids of the classes from whose images nothing is learned: they test what was."""
        del classes
        return ()

    @model_validator(mode="after")
    def _space_is_of_the_recipe(self) -> "PipelineSpec":
        for name, values in self.search.space.items():
            try:
                checked_space(self.recipe, {name: values})
            except ValueError as error:
                raise wrong_fields({("search", "space", name): str(error)}) from None
        return self
