"""What a search asks: of which data, around which recipe, within which space, by which figure."""

from collections.abc import Mapping
from typing import Any, Literal

from vision_assets.vision.spec import PipelineSpec, Recipe, Space, Spec, checked_space
from vision_assets.vision.tasks.task import Task
from vision_assets.vision.training.provenance import fingerprint

LOSS = "loss"
_ID_LENGTH = 8


class Question(Spec):
    """Trials are comparable, and one study, where the question is the same.

    Attributes:
        task: name of the task plug-in.
        dataset: `name` and `fingerprint` of the dataset version.
        recipe: where the search starts; what the space does not name stays as it is there.
        space: the values tried.
        metric: the figure on the val split: `loss`, or one that the training watches.
        seed: of the choice of values.
    """

    task: str
    dataset: dict[str, str]
    recipe: dict[str, Any]
    space: Space
    metric: str
    seed: int

    @property
    def name(self) -> str:
        """The dataset version's name, and 8 hex digits of the rest."""
        digits = fingerprint(self.model_dump(mode="json"))[:_ID_LENGTH]
        return f"{self.dataset['name']}-{digits}"

    @property
    def direction(self) -> Literal["minimize", "maximize"]:
        """Which way is better."""
        return "minimize" if self.metric == LOSS else "maximize"

    @property
    def curve(self) -> str:
        """The figure's name among the metrics of an epoch."""
        return f"val_{self.metric}"


def question_of(task: Task, spec: PipelineSpec, dataset: Mapping[str, str]) -> Question:
    """The question that a YAML asks of a dataset version.

    Args:
        task: the plug-in; has the space where the YAML names none.
        spec: the validated YAML.
        dataset: `name` and `fingerprint` of the version.
    """
    space = spec.search.space or task.search_space(spec.recipe)
    return Question(
        task=task.name,
        dataset=dict(dataset),
        recipe=spec.recipe.model_dump(mode="json"),
        space=checked_space(spec.recipe, space),
        metric=spec.search.metric or _metric_of_gate(task, spec),
        seed=spec.search.seed,
    )


def watched(task: Task, recipe: Recipe) -> tuple[str, ...]:
    """What a search may go by."""
    return (LOSS, *task.watched(recipe))


def _metric_of_gate(task: Task, spec: PipelineSpec) -> str:
    """The metric of the first gate where the training watches it, otherwise the loss."""
    asked = spec.gates[0].metric if spec.gates else LOSS
    return asked if asked in watched(task, spec.recipe) else LOSS


def recipe_of(task: Task, question: Question) -> Recipe:
    """The recipe at which the search starts."""
    return task.recipe_type.model_validate(question.recipe)
