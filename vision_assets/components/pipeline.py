"""The component that turns one YAML file into the graph of one use case."""

import re
from abc import ABC
from collections.abc import Callable, Sequence
from typing import ClassVar, Self

import dagster as dg
from pydantic import BaseModel

from vision_assets.assets.batch_predictions import batch_predictions
from vision_assets.assets.bento_service import bento_service
from vision_assets.assets.deployment import deployment
from vision_assets.assets.evaluation_report import evaluation_report
from vision_assets.assets.exported_model import exported_model
from vision_assets.assets.proposed_annotations import proposed_annotations
from vision_assets.assets.raw_images import raw_images
from vision_assets.assets.recipe_search import recipe_search
from vision_assets.assets.trained_model import trained_model
from vision_assets.assets.validated_dataset import validated_dataset
from vision_assets.automation.new_images import new_images
from vision_assets.automation.retraining import check_schedule, retraining
from vision_assets.automation.status import status
from vision_assets.components.located import located
from vision_assets.quality.suite import check_tables, checks
from vision_assets.resources.tracking import tracking_resources
from vision_assets.vision.spec import PipelineSpec
from vision_assets.vision.spec.columns import check_columns
from vision_assets.vision.spec.figures import check_figures
from vision_assets.vision.use_case import UseCase

AssetBuilder = Callable[[UseCase], dg.AssetsDefinition]

_NAME = re.compile(r"[a-z][a-z0-9_]*")


class VisionPipeline(dg.Component, ABC):
    """Shell over asset builders; a subclass names its task and what its YAML may say.

    Attributes:
        task: name of the task plug-in.
        spec_type: the pydantic model of the YAML's attributes.
        asset_builders: one function of the use case for each asset of the graph.
    """

    task: ClassVar[str]
    spec_type: ClassVar[type[PipelineSpec]]
    asset_builders: ClassVar[Sequence[AssetBuilder]] = (
        raw_images,
        validated_dataset,
        trained_model,
        exported_model,
        evaluation_report,
        bento_service,
        deployment,
        recipe_search,
        proposed_annotations,
    )

    def __init__(self, use_case: UseCase) -> None:
        self.use_case = use_case

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        return cls.spec_type

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> Self:
        name = context.path.name
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"a use case's folder is named in lower case letters, digits and underscores, "
                f"got {name!r}; rename {context.path}"
            )
        assert isinstance(attributes, PipelineSpec)
        with located(context):
            check_schedule(attributes.schedule)
            check_columns(attributes)
            check_figures(attributes)
            checks(attributes)
            check_tables(attributes)
        return cls(UseCase(name, cls.task, attributes))

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        assets = [build(self.use_case) for build in self.asset_builders]
        if self.use_case.spec.score is not None:
            assets.append(batch_predictions(self.use_case))
        return dg.Definitions.merge(
            dg.Definitions(
                assets=assets,
                sensors=[new_images(self.use_case)],
                resources=tracking_resources(self.use_case),
            ),
            retraining(self.use_case),
            status(self.use_case),
        )
