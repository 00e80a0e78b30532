"""Which recipe a training takes: the YAML's, or the one that a search proposes."""

from typing import TYPE_CHECKING

import dagster as dg
from pydantic import Field

from vision_assets.resources.home import HomeResource
from vision_assets.vision.errors import TrainingError
from vision_assets.vision.spec import RecipeSource
from vision_assets.vision.use_case import UseCase

if TYPE_CHECKING:
    from vision_assets.vision.spec import Recipe

RECIPE_TAG = "vision_assets/recipe"


class RecipeChoice(dg.Config):
    """Run configuration of trained_model."""

    recipe: RecipeSource = Field(
        default="yaml",
        description="yaml: the recipe of defs.yaml. proposal: the best one of the last search.",
    )


def chosen_recipe(
    choice: RecipeChoice, home: HomeResource, use_case: UseCase
) -> tuple["Recipe", dict[str, str]]:
    """The recipe, and where it comes from as flat text for tags.

    Raises:
        TrainingError: nothing was searched yet, or by another release.
    """
    if choice.recipe == "yaml":
        return use_case.spec.recipe, {"recipe_source": "yaml"}
    from vision_assets.vision.search.proposal import read_proposal
    from vision_assets.vision.tasks.registry import load_task

    proposal = read_proposal(home.home.searches(use_case.name))
    if proposal is None:
        raise TrainingError(
            f"there is no proposal for {use_case.name}; materialize "
            f"{use_case.name}/recipe_search first: vision-assets search {use_case.name}"
        )
    return proposal.of(load_task(use_case.task)), {
        "recipe_source": f"proposal: {proposal.source}",
        "recipe_searched_on": proposal.dataset["name"],
    }
