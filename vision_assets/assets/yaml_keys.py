"""Which keys of the YAML each asset reads: its code version, and what a change of them rebuilds.

The one table of it. Dagster shows an asset as outdated once the code version that follows from
its keys is another one, `vision-assets plan` says before what would be rebuilt, and a test runs
every asset and compares what it reads with what stands here.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

from vision_assets.assets.graph import BATCH_PREDICTIONS, PROPOSALS, SEARCH, SUSPICION
from vision_assets.vision.spec import PipelineSpec
from vision_assets.vision.use_case import UseCase

_DIGITS = 8


@dataclass(frozen=True)
class Reads:
    """Keys that one asset reads, as paths such as `service.workers`.

    Attributes:
        makes: what it makes follows from them; another value makes it anew, and all below it.
        judges: it judges or tells by them; what it makes for the assets below stays the same.
        takes: they hold for what comes from now on; what is stored stays as it is.
    """

    makes: tuple[str, ...] = ()
    judges: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[str]:
        return iter((*self.makes, *self.judges, *self.takes))


_LIMITS = ("service.max_body_bytes", "service.max_pixels", "images.min_side_px")
_READS = {
    "raw_images": Reads(takes=("source", "images", "classes")),
    "validated_dataset": Reads(
        makes=("classes", "splits"), judges=("expectations", "images.min_side_px")
    ),
    "trained_model": Reads(makes=("recipe",)),
    "exported_model": Reads(makes=("export",)),
    "evaluation_report": Reads(judges=("gates", "champion", "costs", "slices", "classes")),
    "bento_service": Reads(
        makes=("service.workers", *_LIMITS, "service.max_pictures", "service.slot_poll_s")
    ),
    "deployment": Reads(judges=("service.port", "service.slot_poll_s")),
    SEARCH: Reads(makes=("search", "recipe", "gates")),
    SUSPICION: Reads(),
    BATCH_PREDICTIONS: Reads(makes=("score", *_LIMITS)),
    PROPOSALS: Reads(takes=("classes",)),
}

ELSEWHERE = {
    "triggers": "the sensors, once the code location is loaded again",
    "schedule": "the schedule, once the code location is loaded again",
    "service": "the endpoint, when it is started again",
    "freshness": "Dagster, once the code location is loaded again",
    "keep": "the next housekeeping",
}
"""Keys that are read outside of the assets, and when."""


def reads(noun: str, spec: PipelineSpec) -> Reads:
    """What an asset reads of the YAML; a noun of another package reads all of it."""
    if noun == "exported_model":
        return Reads(makes=(*_READS[noun].makes, *spec.decided_by))
    return _READS.get(noun, Reads(makes=tuple(type(spec).model_fields)))


def yaml_version(use_case: UseCase, noun: str) -> str:
    """Code version of an asset: its task, and each key that it reads with a digest of its value."""
    said = use_case.spec.model_dump(mode="json")
    digests = [f"{key}={_digest(value_at(said, key))}" for key in reads(noun, use_case.spec)]
    return " ".join([use_case.task, *digests])


def value_at(said: Mapping[str, Any], key: str) -> Any:
    """The value of a key such as `service.workers`; None where there is none."""
    return reduce(
        lambda part, name: part.get(name) if isinstance(part, Mapping) else None,
        key.split("."),
        said,
    )


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
