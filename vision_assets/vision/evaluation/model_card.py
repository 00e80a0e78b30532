"""The model card: what a model is for, how it was made, and where it must not be trusted.

After Mitchell et al., "Model Cards for Model Reporting", 2019.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from vision_assets.vision.evaluation.data_card import DataCard
from vision_assets.vision.evaluation.scorecard import Scorecard
from vision_assets.vision.inference.bundle import Card
from vision_assets.vision.training.trained_model import TrainedModel

FEW_TEST, FEW_TRAIN = 20, 50
"""With fewer images of a class or a slice its figures say little, and it was hardly learned."""
_MOST_LIMITS = 20


@dataclass(frozen=True)
class ModelCard:
    """The card as text, for a page and for a file alike.

    Attributes:
        purpose: what the model does, and on what; sentences.
        made: how it was made: name, value.
        decides: how answers become decisions: name, value.
        limits: where it must not be trusted; sentences.
    """

    purpose: list[str]
    made: list[tuple[str, str]]
    decides: list[tuple[str, str]]
    limits: list[str]


def model_card(
    scorecard: Scorecard, trained: TrainedModel | None = None, data: DataCard | None = None
) -> ModelCard:
    """Work out the card.

    Args:
        scorecard: how the model was judged.
        trained: what the bundle was made from; without it the card tells less of the training.
        data: the dataset version that it was trained on; without it, classes that were hardly
            learned are not told.
    """
    return ModelCard(
        purpose=_purpose(scorecard.card),
        made=list(_made(scorecard.card, trained)),
        decides=list(_decides(scorecard.card)),
        limits=_limits(scorecard, data),
    )


def _purpose(card: Card) -> list[str]:
    names = [entry.name for entry in card.classes]
    defects = [entry.name for entry in card.classes if entry.defect]
    return [
        f"It does {card.task} on images of the use case {card.use_case}.",
        f"It knows {len(names)} classes: {', '.join(names)}.",
        f"Of these, {', '.join(defects) or 'none'} {'is' if len(defects) == 1 else 'are'} taken "
        "for defects.",
    ]


def _made(card: Card, trained: TrainedModel | None) -> Iterator[tuple[str, str]]:
    yield "model, bundle", f"{card.model_id}, {card.bundle_id}"
    yield "data", f"{card.dataset['name']}, fingerprint {card.dataset['fingerprint']}"
    yield "input", f"{card.input.width_px} x {card.input.height_px} px RGB, {card.precision}"
    if trained is not None:
        yield "recipe", _flat(trained.record["recipe"])
        environment = dict(trained.record["environment"])
        yield "libraries", _flat(environment.pop("libraries", {}))
        yield "environment", _flat(environment)
        yield "training", f"{len(trained.history)} epochs, {trained.history[-1].seconds:.0f} s"
    yield "code", card.code_version
    yield "exported", f"{card.created_at:%Y-%m-%d %H:%M} UTC"


def _decides(card: Card) -> Iterator[tuple[str, str]]:
    yield "calibration", _flat(card.calibration) or "none: scores are no probabilities"
    yield "thresholds", _flat(card.thresholds) or "none: nothing is decided by the score"


def _limits(scorecard: Scorecard, data: DataCard | None) -> list[str]:
    """The general one first, then what was found; of many, the first."""
    found = [*_few_in_test(scorecard), *_few_in_training(data), *_few_in_slices(scorecard)]
    more = len(found) - _MOST_LIMITS
    return [
        "The figures hold for images like those of the dataset version: another camera, light or "
        "product was not tested.",
        *found[:_MOST_LIMITS],
        *([f"And {more} more of this kind."] if more > 0 else []),
    ]


def _few_in_test(scorecard: Scorecard) -> Iterator[str]:
    sizes = scorecard.predictions["label"].value_counts()
    for label in scorecard.per_class["label"]:
        n = int(sizes.get(label, 0))
        if not n:
            yield f"{label} has no test images: nothing is known of it."
        elif n < FEW_TEST:
            yield f"{label} has {n} test images, fewer than {FEW_TEST}: its figures are vague."


def _few_in_training(data: DataCard | None) -> Iterator[str]:
    for row in [] if data is None else data.classes.to_dict("records"):
        if row["train"] < FEW_TRAIN:
            yield (
                f"{row['label']} has {row['train']} training images, fewer than {FEW_TRAIN}: "
                "collect more of it."
            )


def _few_in_slices(scorecard: Scorecard) -> Iterator[str]:
    for row in scorecard.slices[scorecard.slices["n"] < FEW_TEST].to_dict("records"):
        yield (
            f"{row['column']} = {row['value']}: {row['n']} test images, fewer than {FEW_TEST}; "
            f"between {100 * row['low']:.0f} and {100 * row['high']:.0f} % are right."
        )


def _flat(values: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in values.items()
    )
