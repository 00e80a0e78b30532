"""The best recipe of a search, in a file of its own: a proposal, to be trained and judged."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import ValidationError

from vision_assets.vision.atomic import write_text
from vision_assets.vision.errors import TrainingError
from vision_assets.vision.search.study import Study
from vision_assets.vision.spec import Recipe, Spec
from vision_assets.vision.tasks.task import Task

PROPOSAL_FILE = "proposal.json"


class Proposal(Spec):
    """The best recipe, and where it comes from.

    Attributes:
        study: name of the study.
        trial: number of the trial in it; 0 is the recipe at which the search started.
        trials: how many it is the best of.
        metric: the figure on the val split.
        value: what the trial reached.
        dataset: `name` and `fingerprint` of the dataset version that was searched on.
        recipe: all of it.
        changes: the fields that differ from the recipe at which the search started.
        created_at: UTC, ISO 8601.
    """

    schema_version: Literal[1] = 1
    study: str
    trial: int
    trials: int
    metric: str
    value: float
    dataset: dict[str, str]
    recipe: dict[str, Any]
    changes: dict[str, Any]
    created_at: str

    @property
    def source(self) -> str:
        """Where it comes from, in one line."""
        return f"trial {self.trial} of {self.study}"

    def of(self, task: Task) -> Recipe:
        """As the task's recipe.

        Raises:
            TrainingError: this release has other recipes.
        """
        try:
            return task.recipe_type.model_validate(self.recipe)
        except ValidationError as error:
            raise TrainingError(
                f"the proposal ({self.source}) is no recipe of this release: {error}; search again"
            ) from error

    def as_yaml(self, task: Task) -> str:
        """What to write into defs.yaml to keep it: all that is not a default."""
        recipe = self.of(task).model_dump(mode="json", exclude_defaults=True)
        return yaml.safe_dump({"attributes": {"recipe": recipe}}, sort_keys=False)


def propose(root: Path, study: Study) -> Proposal:
    """Write down the best recipe of a study, in place of an earlier proposal.

    Raises:
        TrainingError: no trial finished.
    """
    best = study.best()
    if best is None or best.value is None:
        raise TrainingError(f"no trial of {study.name} finished; search on")
    recipe, start = study.recipe(best), study.question.recipe
    proposal = Proposal(
        study=study.name,
        trial=best.number,
        trials=sum(trial.counts for trial in study.trials()),
        metric=study.question.metric,
        value=best.value,
        dataset=study.question.dataset,
        recipe=recipe,
        changes={name: value for name, value in recipe.items() if value != start[name]},
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    write_text(root / PROPOSAL_FILE, proposal.model_dump_json(indent=2))
    return proposal


def read_proposal(root: Path) -> Proposal | None:
    """The proposal of a use case; None: nothing was searched yet.

    Raises:
        TrainingError: the file cannot be read.
    """
    path = root / PROPOSAL_FILE
    if not path.exists():
        return None
    try:
        return Proposal.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise TrainingError(
            f"{path} is no proposal of this release: {error}; search again"
        ) from error
