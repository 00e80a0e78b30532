"""A use case: a name and what its YAML says."""

from dataclasses import dataclass

from vision_assets.vision.spec import PipelineSpec


@dataclass(frozen=True)
class UseCase:
    """One use case.

    Attributes:
        name: folder name of its YAML; first part of its asset keys.
        task: name of the task plug-in, such as `classification`.
        spec: the validated attributes.
    """

    name: str
    task: str
    spec: PipelineSpec
