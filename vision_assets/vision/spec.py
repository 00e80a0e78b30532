"""What YAML may say of any use case; a task adds to the recipe.

Plain pydantic: read by the Dagster component, the CLI and the tests alike. Defaults for
all but the source.
"""

import re
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from vision_assets.vision.manifest import RESERVED_COLUMNS

Fraction = Annotated[float, Field(ge=0, le=1)]
CHAMPION_CHECK = "gate_champion"
"""Name of the asset check against the model that is deployed."""
_LEAST_OF_EACH = 10


class Spec(BaseModel):
    """Base of all specs: immutable, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class BatchSpec(Spec):
    """Bounds of one ingest batch; whichever is reached first closes it."""

    max_files: int = Field(default=1000, ge=1, description="Files in one batch.")
    max_bytes: int = Field(default=512 * 1024 * 1024, ge=1, description="Bytes in one batch.")
    max_wait_s: float = Field(
        default=10,
        ge=0,
        description="A batch that is not full is taken once its oldest file is this old.",
    )


class SourceSpec(Spec):
    """Where images come from and how a file tells its label."""

    landing: str = Field(description="Landing folder; a relative path is inside the home.")
    label: Literal["folder", "pattern", "csv", "none"] = Field(
        default="folder",
        description=(
            "folder: the name of the folder an image lies in. pattern: the group `label` of "
            "`pattern`. csv: a table `csv` with columns `file`, `label`. none: unlabelled."
        ),
    )
    pattern: str | None = Field(
        default=None,
        description=(
            "Regular expression with named groups, matched in full against the file name (or the "
            "path below the landing folder where the expression holds a `/`). The group `label` is "
            "the label, `split` a given split, `file` is not allowed; all others become "
            "attributes such as line, camera, lot, part."
        ),
    )
    csv: str | None = Field(
        default=None,
        description="CSV below the landing folder: `file`, `label`, `split`, attributes.",
    )
    ignore: tuple[str, ...] = Field(
        default=(),
        description=(
            "Files of the landing folder that are none of the images: globs, matched from the "
            "right, such as `*.xml`, `masks/*`."
        ),
    )
    after: Literal["keep", "move", "delete"] = Field(
        default="keep",
        description="What becomes of a file that was taken; move: to `taken/` beside it.",
    )
    settle_s: float = Field(
        default=5, ge=0, description="A file is taken once it has not changed for this long."
    )
    batch: BatchSpec = BatchSpec()

    @field_validator("pattern")
    @classmethod
    def _pattern_compiles(cls, pattern: str | None) -> str | None:
        if pattern is None:
            return None
        try:
            groups = set(re.compile(pattern).groupindex)
        except re.error as error:
            raise ValueError(f"expected a regular expression, got {pattern!r}: {error}") from error
        taken = sorted(groups & RESERVED_COLUMNS - {"label", "split", "group"})
        if taken:
            raise ValueError(f"the groups {taken} are names of the manifest; choose others")
        return pattern

    @model_validator(mode="after")
    def _label_has_its_source(self) -> "SourceSpec":
        if self.label == "pattern" and (
            self.pattern is None or "label" not in re.compile(self.pattern).groupindex
        ):
            raise ValueError("label: pattern needs `pattern` with a group (?P<label>...)")
        if self.label == "csv" and self.csv is None:
            raise ValueError("label: csv needs `csv`, the table's path below the landing folder")
        if self.csv is not None and ".." in PurePosixPath(self.csv).parts:
            raise ValueError("`csv` must lie below the landing folder")
        return self


class ImageRules(Spec):
    """What is accepted as an image."""

    min_side_px: int = Field(default=16, ge=1, description="Shortest side.")
    max_pixels: int = Field(default=50_000_000, ge=1, description="Width times height.")
    max_bytes: int = Field(default=64 * 1024 * 1024, ge=1, description="Length of the file.")


class ClassSpec(Spec):
    """One class; the id is what is stored, the name can change."""

    id: int = Field(ge=0, description="Stable id, never used again for another class.")
    name: str = Field(min_length=1, description="Name, as labels say it.")
    defect: bool | None = Field(
        default=None,
        description="Whether the class is a defect; default: all but ok, good, normal, free.",
    )


class SplitSpec(Spec):
    """Shares of the splits and what must stay together."""

    train: Fraction = 0.7
    val: Fraction = 0.1
    test: Fraction = 0.2
    seed: int = 0
    group_by: tuple[str, ...] = Field(
        default=(),
        description="Attributes of one group (part, lot): a group is never in two splits.",
    )
    near_duplicate_bits: int = Field(
        default=4,
        ge=0,
        le=16,
        description="Perceptual hashes (64 bits) this close or closer are near duplicates.",
    )

    @model_validator(mode="after")
    def _shares_sum_to_one(self) -> "SplitSpec":
        total = self.train + self.val + self.test
        if abs(total - 1) > 1e-6:
            raise ValueError(f"train + val + test must be 1, got {total:g}")
        return self


class ExpectationSpec(Spec):
    """One Great Expectations expectation over the manifest or its counts."""

    expectation: str = Field(description="Name, such as expect_column_values_to_be_between.")
    arguments: dict[str, Any] = Field(default_factory=dict, description="Its arguments.")
    table: Literal["images", "counts"] = Field(
        default="images", description="images: the manifest. counts: one row per class and split."
    )
    severity: Literal["critical", "warning"] = "critical"
    name: str | None = Field(
        default=None, description="Name of the check; default: from the expectation."
    )


class Recipe(Spec):
    """How a network is trained by gradient descent."""

    image_size_px: int = Field(default=96, ge=16, le=1024, description="Side of the square input.")
    epochs: int = Field(default=40, ge=1, le=10_000)
    batch_size: int = Field(default=16, ge=1, le=4096)
    learning_rate: float = Field(
        default=6e-3,
        gt=0,
        le=10,
        description="Peak of the schedule; with weights that are trained already, 1e-4 to 1e-3.",
    )
    schedule: Literal["one_cycle", "cosine", "constant"] = Field(
        default="one_cycle",
        description=(
            "one_cycle: up for a fifth of the training, then down to nearly nothing. cosine: down "
            "after a short rise. constant: after a short rise."
        ),
    )
    weight_decay: float = Field(default=2e-2, ge=0)
    augment: Literal["none", "light", "upright", "surface", "colour"] = Field(
        default="surface",
        description=(
            "light: flips. surface: flips, quarter turns, zoom, shifts, brightness, contrast. "
            "upright: as surface, but nothing is flipped or turned. colour: as surface, and "
            "tint and saturation."
        ),
    )
    weights: str = Field(
        default="auto",
        pattern="^(auto|none|file:.+)$",
        description=(
            "What the network starts from. auto: weights that torchvision publishes where they "
            "lie in torch's cache on this machine, else from scratch; nothing is downloaded. "
            "none: from scratch. file:PATH: weights.safetensors of a trained model, or "
            "torchvision's .pth; a relative path is inside the home."
        ),
    )
    weights_sha256: str | None = Field(
        default=None,
        pattern="^[0-9a-f]{8,64}$",
        description="What the SHA-256 of that file begins with; .pth files carry 8 digits of it.",
    )
    average: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Keep an exponential moving average of the weights with this decay: 0.999.",
    )
    keep: Literal["last", "best"] = Field(
        default="last", description="best: of the epoch with the lowest loss on the val split."
    )
    patience: int | None = Field(
        default=None,
        ge=1,
        description="Stop after this many epochs without a lower loss on the val split.",
    )
    precision: Literal["auto", "fp32", "amp"] = Field(
        default="fp32",
        description="amp: bfloat16 where it is safe. auto: amp on a CUDA device that has it.",
    )
    seed: int = Field(
        default=0, ge=0, description="Of the first weights, the order and augmentation."
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="auto: a CUDA device where there is one."
    )


class GateSpec(Spec):
    """What a model has to reach on the test split before it is deployed."""

    metric: str = Field(
        default="accuracy",
        description=(
            "A figure of the report: a metric of the task, a figure of one class such as "
            "`recall/scratch`, `escape_rate`, `overkill_rate`, `review_rate`, or `cost` a part."
        ),
    )
    min: float | None = Field(default=None, description="Smallest value that passes.")
    max: float | None = Field(default=None, description="Largest value that passes.")
    by: Literal["value", "bound"] = Field(
        default="value",
        description=(
            "value: what was measured is compared. bound: the end of its 95 % interval that is "
            "nearer to failing."
        ),
    )
    each: str | None = Field(
        default=None,
        description=(
            "`class`: holds for every class, with a figure such as recall. A column of the "
            "manifest, such as line: holds for every part of the images."
        ),
    )
    min_n: int | None = Field(
        default=None,
        ge=1,
        description=(
            "Images that a figure has to rest on; with fewer the gate is undecided, and what is "
            "undecided is not deployed. Default: 10 with `each`, otherwise 1."
        ),
    )
    name: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_]+$",
        description="Name of the check behind `gate_`; default: from the metric.",
    )

    @model_validator(mode="after")
    def _has_one_limit(self) -> "GateSpec":
        if (self.min is None) == (self.max is None):
            raise ValueError(f"the gate on {self.metric!r} needs one of `min` and `max`")
        return self

    @property
    def check_name(self) -> str:
        """Name of its asset check; known from the YAML alone."""
        each = f"_each_{self.each}" if self.each else ""
        said = self.name or f"{self.metric}{each}{'_bound' if self.by == 'bound' else ''}"
        return f"gate_{re.sub(r'[^A-Za-z0-9_]', '_', said)}"

    @property
    def least_n(self) -> int:
        """Images that a figure has to rest on."""
        return self.min_n or (_LEAST_OF_EACH if self.each else 1)

    @property
    def limit(self) -> float:
        """The value at which it just passes."""
        found = self.max if self.min is None else self.min
        assert found is not None
        return found

    @property
    def asked(self) -> str:
        """What is asked for, in words."""
        what = f"{self.metric} of each {self.each}" if self.each else self.metric
        how = "95 % interval of " if self.by == "bound" else ""
        return f"{how}{what} {'at most' if self.min is None else 'at least'} {self.limit:g}"


class CostSpec(Spec):
    """What a wrong decision costs, in any one currency; thresholds are chosen by it."""

    escape: float = Field(default=20, gt=0, description="A defect part that was passed.")
    overkill: float = Field(default=1, gt=0, description="A good part that was refused.")
    review: float | None = Field(
        default=0.25,
        ge=0,
        description="A part that a person looks at; null: nobody does, every part is decided.",
    )


class ChampionSpec(Spec):
    """The gate against the model that is deployed: no worse than it, on the same test images."""

    metric: str = Field(
        default="accuracy",
        description="What is compared; a metric that has an interval in the report.",
    )
    margin: float = Field(
        default=0.05,
        ge=0,
        description=(
            "How much worse a model may be: the lower bound of the paired interval of new minus "
            "champion has to lie above minus this. 0 asks for a proof that it is better."
        ),
    )
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    min_n: int = Field(
        default=20, ge=1, description="With fewer images that both may be judged by: undecided."
    )


class ExportSpec(Spec):
    """What a trained model becomes."""

    int8: bool = Field(
        default=False, description="Also a bundle of 8-bit integers; it ships where it may."
    )
    int8_margin: float = Field(
        default=0.01,
        ge=0,
        description=(
            "How much accuracy the lower bound of the paired interval may lose by it; with n test "
            "images and no loss, that bound is about -3.7 / n."
        ),
    )


class RangeSpec(Spec):
    """Numbers between two bounds, both included."""

    low: int | float
    high: int | float
    log: bool = Field(default=False, description="Every order of magnitude is equally likely.")

    @model_validator(mode="after")
    def _bounds_are_in_order(self) -> "RangeSpec":
        if not self.low < self.high:
            raise ValueError(f"expected low below high, got {self.low:g} and {self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError(
                f"log needs a low above 0, got {self.low:g}; raise it or leave out log"
            )
        return self


Space = dict[str, RangeSpec | tuple[bool | int | float | str, ...]]
"""Values that a search may give to fields of the recipe: a range, or a list of choices."""

_NOT_SEARCHED = {
    "seed": "a lucky seed is no better recipe",
    "device": "it does not make a model better",
}

RecipeSource = Literal["yaml", "proposal"]
"""Whose recipe a training takes: the YAML's, or the one that the last search proposes."""


class SearchSpec(Spec):
    """The search for a better recipe; materialized by hand."""

    trials: int = Field(
        default=20,
        ge=1,
        le=10_000,
        description="Trials of the study; what an earlier materialization did of them counts.",
    )
    parallel: int | None = Field(
        default=None,
        ge=1,
        description="Trials at a time; null: one for two cores, on CUDA one. At most one a core.",
    )
    timeout_minutes: float | None = Field(
        default=None, gt=0, description="No trial is begun after it; null: however long it takes."
    )
    seed: int = Field(default=0, ge=0)
    metric: str | None = Field(
        default=None,
        description=(
            "What is made better on the val split: loss, or a figure that the training watches, "
            "such as accuracy; null: the metric of the first gate, or loss."
        ),
    )
    space: Space = Field(
        default_factory=dict,
        description=(
            "Fields of the recipe that are searched, each with a range {low, high, log} or a list "
            "of values; all others stay. Empty: the task's own space."
        ),
    )


def checked_space(recipe: Recipe, space: Space) -> Space:
    """The space with its values as the recipe understands them.

    Raises:
        ValueError: a field of the space is none of the recipe, or a value is none of the field.
    """
    return {name: _checked_values(recipe, name, values) for name, values in space.items()}


def _checked_values(
    recipe: Recipe, name: str, values: RangeSpec | tuple[Any, ...]
) -> RangeSpec | tuple[Any, ...]:
    allowed = [field for field in type(recipe).model_fields if field not in _NOT_SEARCHED]
    if name not in allowed:
        why = _NOT_SEARCHED.get(name, "the recipe has no such field")
        raise ValueError(f"search.space.{name}: {why}; choose of {', '.join(allowed)}")
    if isinstance(values, RangeSpec):
        low, high = (_as_field(recipe, name, bound) for bound in (values.low, values.high))
        return RangeSpec(low=low, high=high, log=values.log)
    if not values:
        raise ValueError(f"search.space.{name}: expected at least one value, got none")
    return tuple(_as_field(recipe, name, value) for value in values)


def _as_field(recipe: Recipe, name: str, value: Any) -> Any:
    try:
        changed = type(recipe).model_validate(recipe.model_dump() | {name: value})
    except ValidationError as error:
        said = "; ".join(entry["msg"] for entry in error.errors())
        raise ValueError(
            f"search.space.{name}: {value!r} is no {name} of a recipe: {said}"
        ) from None
    return getattr(changed, name)


class ScoreSpec(Spec):
    """A folder whose files the deployed bundle answers, for the asset `batch_predictions`."""

    folder: str = Field(description="Folder of images; a relative path is inside the home.")


class TriggersSpec(Spec):
    """When the graph is run without being asked."""

    new_images: bool = Field(default=True, description="Ingest what arrives in the landing folder.")
    retrain_after: int | None = Field(
        default=100,
        ge=1,
        description="Train once this many new labelled images are stored; null: never.",
    )


class ScheduleSpec(Spec):
    """Retraining by the clock; skipped when nothing has changed."""

    cron: str = Field(default="0 3 * * 0", description="Five fields, minute to weekday.")
    timezone: str = "UTC"
    enabled: bool = False


class ServiceSpec(Spec):
    """The endpoint."""

    port: int = Field(default=3100, ge=1, le=65535)
    workers: int = Field(default=1, ge=1, le=64)
    max_body_bytes: int = Field(default=20 * 1024 * 1024, ge=1024)
    max_pixels: int = Field(default=50_000_000, ge=1)
    max_pictures: int = Field(default=32, ge=1, le=1024, description="Pictures of one request.")
    slot_poll_s: float = Field(default=1.0, gt=0, description="How often the slot is looked at.")
    api_keys_file: str | None = Field(
        default=None,
        description=(
            "JSON object of consumer to key, or to sha256:<hex of it>; a relative path is inside "
            "the home. null: everybody who reaches the port may ask."
        ),
    )


class PipelineSpec(Spec):
    """The attributes that every task's component shares."""

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
    service: ServiceSpec = ServiceSpec()

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
        return classes

    @model_validator(mode="after")
    def _space_is_of_the_recipe(self) -> "PipelineSpec":
        checked_space(self.recipe, self.search.space)
        return self
