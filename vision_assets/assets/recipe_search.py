"""recipe_search: a study of recipes on the latest valid dataset version, and a proposal.

Beside the graph, not in it: nothing waits for it, and it is materialized by hand.
"""

from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from vision_assets.assets.dataset_version import valid_version
from vision_assets.assets.graph import REFERENCE, SEARCH, TRAINING_POOL, asset_key, by_hand
from vision_assets.assets.metadata import picture, records_table
from vision_assets.assets.yaml_keys import yaml_version
from vision_assets.resources.home import HomeResource
from vision_assets.vision.disk import refuse_when_low
from vision_assets.vision.use_case import UseCase

if TYPE_CHECKING:
    from vision_assets.vision.search.proposal import Proposal
    from vision_assets.vision.search.study import Study
    from vision_assets.vision.tasks.task import Task

_SHOWN_TRIALS = 60


class SearchConfig(dg.Config):
    """Run configuration of recipe_search."""

    trials: int | None = Field(
        default=None, ge=1, description="Trials of the study; default: search.trials of the YAML."
    )
    parallel: int | None = Field(
        default=None, ge=1, description="Trials at a time; default: search.parallel of the YAML."
    )


def recipe_search(use_case: UseCase) -> dg.AssetsDefinition:
    """Build the asset `<use_case>/recipe_search`."""

    @dg.asset(
        key=asset_key(use_case, SEARCH),
        deps=[asset_key(use_case, "validated_dataset")],
        code_version=yaml_version(use_case, SEARCH),
        group_name=by_hand(use_case),
        kinds={"optuna"},
        pool=TRAINING_POOL,
        description="Trials of recipes on the train split, compared on the val split; a proposal.",
    )
    def build(
        context: dg.AssetExecutionContext, config: SearchConfig, home: HomeResource
    ) -> dg.MaterializeResult:
        from vision_assets.vision.search.proposal import propose
        from vision_assets.vision.search.question import question_of, watched
        from vision_assets.vision.search.search import Bounds, search
        from vision_assets.vision.search.study import opened
        from vision_assets.vision.search.worker import Training
        from vision_assets.vision.tasks.registry import load_task

        refuse_when_low(home.home.root, "no search was started")
        task, spec = load_task(use_case.task), use_case.spec.search
        version = valid_version(context, home, use_case)
        dataset = {"name": version.name, "fingerprint": version.fingerprint}
        manifest = version.manifest()
        training = Training(
            task,
            manifest[manifest["split"].isin(["train", "val"])],
            home.image_store(use_case).read,
            version.classes,
            dataset,
        )
        root, question = (
            home.home.searches(use_case.name),
            question_of(task, use_case.spec, dataset),
        )
        known = ", ".join(watched(task, use_case.spec.recipe))
        context.log.info(
            f"trials are compared by {question.curve}; search.metric may name one of {known}"
        )
        bounds = Bounds(
            trials=config.trials or spec.trials,
            parallel=config.parallel or spec.parallel,
            timeout_s=spec.timeout_minutes and spec.timeout_minutes * 60,
        )
        search(root, question, training, bounds, lambda told: context.log.info(told.line()))
        with opened(root, question) as study:
            proposal = propose(root, study)
            metadata = _metadata(use_case, task, study, proposal)
        context.log.info(f"{proposal.source}: {proposal.metric} {proposal.value:.4g}")
        return dg.MaterializeResult(
            data_version=dg.DataVersion(f"{proposal.study}-{proposal.trial}"), metadata=metadata
        )

    return build


def _metadata(
    use_case: UseCase, task: "Task", study: "Study", proposal: "Proposal"
) -> dict[str, Any]:
    from vision_assets.vision.search import plots

    trials, question, shares = study.trials(), study.question, study.importances()
    return {
        REFERENCE: dg.MetadataValue.text(proposal.source),
        "dataset": proposal.dataset["name"],
        question.curve: round(proposal.value, 4),
        "trials": proposal.trials,
        "changes": records_table([proposal.changes] if proposal.changes else []),
        "train with it": dg.MetadataValue.md(
            f"`vision-assets run {use_case.name} --recipe proposal`, or the run configuration "
            "`recipe: proposal` of trained_model in the launchpad"
        ),
        "keep it": dg.MetadataValue.md(f"```yaml\n{proposal.as_yaml(task)}```"),
        "trials, the last": records_table(trial.row() for trial in trials[-_SHOWN_TRIALS:]),
        "history": picture(plots.history(trials, question)),
        "values tried": picture(plots.values_tried(trials, question)),
        "importance": picture(plots.importances(shares)) if shares else "too few trials to tell",
    }
