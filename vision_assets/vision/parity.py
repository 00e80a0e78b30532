"""Whether a bundle answers as the network that it was made from."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from vision_assets.vision.inference.answers import Answers, Outputs
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.inference.decode import STORED
from vision_assets.vision.inference.predictor import Predictor, Prepared, in_slices, views_of
from vision_assets.vision.tasks.registry import load_answers
from vision_assets.vision.tasks.task import ExportableNetwork, Task
from vision_assets.vision.training.trained_model import TrainedModel

MAX_DIFFERENCE = 1e-4
_BATCH = 16
"""Pictures that are compared together; those that are seen in tiles one by one."""


@dataclass(frozen=True)
class Parity:
    """What the comparison found.

    Attributes:
        n: images compared.
        max_difference: largest absolute difference of a decisive output, torch against bundle,
            on the same tensors; infinite where one of them is no finite number.
        flips: `image_id`, `torch` and `bundle` of each image that got another answer from bytes
            to answer.
    """

    n: int
    max_difference: float
    flips: list[dict[str, Any]] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether at least one image was compared and nothing that matters differs."""
        return self.n > 0 and self.max_difference <= MAX_DIFFERENCE and not self.flips


def check_parity(
    task: Task, trained: TrainedModel, bundle: Bundle, images: Iterable[tuple[str, bytes]]
) -> Parity:
    """Compare the network in torch with its bundle in ONNX Runtime.

    Args:
        task: the plug-in.
        trained: what was exported.
        bundle: what it became.
        images: (image id, encoded bytes).

    Raises:
        ImageRefused: an image cannot be decoded.
    """
    answers = load_answers(task.name)
    network = task.exportable(trained.network(task), trained.recipe(task), trained.calibration)
    predictor = Predictor(bundle, STORED)
    n, largest, flips = 0, 0.0, list[dict[str, Any]]()
    batch = _BATCH if bundle.card.input.tiling is None else 1
    for ids, encoded in _batches(images, batch):
        prepared = [predictor.prepare(data) for data in encoded]
        from_torch = run_in_torch(network, prepared)
        largest = max(largest, _difference(answers, from_torch, predictor.outputs(prepared)))
        expected = predictor.to_answers(from_torch, prepared)
        for image_id, data, answer in zip(ids, encoded, expected, strict=True):
            served = predictor.predict(data)
            if not answers.same(answer, served):
                flips.append({"image_id": image_id, "torch": str(answer), "bundle": str(served)})
        n += len(ids)
    return Parity(n, largest, flips)


def run_in_torch(network: ExportableNetwork, prepared: list[Prepared]) -> Outputs:
    """The outputs of the network, by name, as ONNX Runtime would give them."""
    import torch

    def run(views: np.ndarray) -> Outputs:
        values = network.module(torch.from_numpy(views))
        names = network.output_names
        return {name: value.numpy() for name, value in zip(names, values, strict=True)}

    with torch.no_grad():
        return in_slices(run, views_of(prepared))


def _difference(answers: Answers, one: Outputs, other: Outputs) -> float:
    """What is no finite number equals nothing, itself included: an answer cannot follow from it."""
    decisive = (of[name] for of in (one, other) for name in answers.DECISIVE)
    if not all(np.isfinite(values).all() for values in decisive):
        return float("inf")
    return answers.difference(one, other)


def _batches(
    images: Iterable[tuple[str, bytes]], size: int
) -> Iterator[tuple[tuple[str, ...], tuple[bytes, ...]]]:
    iterator = iter(images)
    while batch := list(islice(iterator, size)):
        ids, encoded = zip(*batch, strict=True)
        yield ids, encoded
