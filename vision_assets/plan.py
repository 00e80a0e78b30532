"""What a change of a use case's YAML would rebuild: which assets, why, and what it would take."""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from typing import Any

import yaml
from pydantic import ValidationError

from vision_assets.assets.graph import GRAPH
from vision_assets.assets.yaml_keys import ELSEWHERE, reads
from vision_assets.home import Home
from vision_assets.vision.errors import SpecError, TrainingError
from vision_assets.vision.use_case import UseCase

TYPE = "type"
_POSITION = re.compile(r"\[\d+\]")


class Verdict(StrEnum):
    """What becomes of an asset."""

    REBUILD = "rebuild"
    JUDGE = "judge again"
    GOES_ON = "goes on"
    FROM_NOW_ON = "from now on"
    STAYS = "stays"


_TRAINED = ("trained_model", Verdict.REBUILD)
_RUN = (Verdict.REBUILD, Verdict.JUDGE, Verdict.GOES_ON)


@dataclass(frozen=True)
class Change:
    """One key of the YAML with another value; None stands for a key that is not there."""

    key: str
    before: Any
    after: Any

    def touches(self, key: str) -> bool:
        """Whether the value of `key` is another one, in whole or in part."""
        if self.key == TYPE:
            return True
        own = _POSITION.sub("", self.key)
        return f"{own}.".startswith(f"{key}.") or f"{key}.".startswith(f"{own}.")

    def __str__(self) -> str:
        return f"{self.key}: {_short(self.before)} → {_short(self.after)}"


@dataclass(frozen=True)
class Step:
    """What becomes of one asset, and why."""

    asset: str
    verdict: Verdict
    why: str


@dataclass(frozen=True)
class Training:
    """The last training of a use case.

    Attributes:
        model_id: what it made.
        seconds: how long it took.
        epochs: that its recipe asked for.
        expected_s: by the epochs alone, how long the next one takes.
    """

    model_id: str
    seconds: float
    epochs: int
    expected_s: float


@dataclass(frozen=True)
class Plan:
    """What a change means for one use case.

    Attributes:
        use_case: its name.
        kind: new, removed, changed, unchanged or broken.
        changes: keys with another value.
        steps: one for each asset of the graph, upstream first; none of a removed one.
        elsewhere: changed keys that no asset reads, and when they hold.
        trains: whether a network is trained.
        training: the last training; None where there was none, or none is asked for.
        command: what brings the assets up to the YAML; None where nothing has to run.
        error: what is wrong with the YAML, of a broken one.
    """

    use_case: str
    kind: str
    changes: tuple[Change, ...] = ()
    steps: tuple[Step, ...] = ()
    elsewhere: Mapping[str, str] | None = None
    trains: bool = False
    training: Training | None = None
    command: str | None = None
    error: str | None = None


def plan(home: Home, before: UseCase | None, after: UseCase | None) -> Plan:
    """What it takes from one YAML of a use case to another one.

    Args:
        home: knows how long the last training took.
        before: as it was; None: there was no such use case.
        after: as it is now; None: it was removed.
    """
    if after is None:
        assert before is not None, "a plan needs at least one of two"
        return Plan(before.name, "removed")
    if before is None:
        steps = tuple(Step(noun, Verdict.REBUILD, "the use case is new") for noun in GRAPH)
        return Plan(after.name, "new", (), steps, {}, True, None, _command(after.name, list(GRAPH)))
    changes = tuple(_changes(before, after))
    steps = tuple(_steps(after, changes))
    run = [step.asset for step in steps if step.verdict in _RUN]
    trains = any((step.asset, step.verdict) == _TRAINED for step in steps)
    return Plan(
        after.name,
        "changed" if changes else "unchanged",
        changes,
        steps,
        _elsewhere(changes),
        trains,
        last_training(home, after) if trains else None,
        _command(after.name, run) if run else None,
    )


def read_use_case(name: str, text: str, where: str) -> UseCase:
    """The use case that a YAML text says.

    Args:
        name: of the use case.
        text: of its `defs.yaml`.
        where: it comes from, for messages.

    Raises:
        SpecError: it is no YAML of a use case, or of another release.
    """
    from vision_assets.components.pipeline import VisionPipeline

    try:
        said = yaml.safe_load(text)
        module, _, type_name = str(said["type"]).rpartition(".")
        component = getattr(import_module(module), type_name)
        if not issubclass(component, VisionPipeline):
            raise TypeError(f"{said['type']} is no pipeline")
        spec = component.spec_type.model_validate(said.get("attributes") or {})
    except (
        *(yaml.YAMLError, ValidationError, TypeError, KeyError, ValueError),
        *(ImportError, AttributeError),
    ) as error:
        raise SpecError(
            f"expected the YAML of a use case in {where}, which this release reads, got: {error}; "
            "compare with a version that loads"
        ) from error
    return UseCase(name, component.task, spec)


def last_training(home: Home, use_case: UseCase) -> Training | None:
    """How long the newest model took to train, and how long the next one takes by its epochs."""
    from vision_assets.vision.training.trained_model import RECORD_FILE, TrainedModel

    records = home.models(use_case.name).glob(f"[!.]*/{RECORD_FILE}")
    for record in sorted(records, key=lambda path: path.stat().st_mtime, reverse=True):
        try:
            trained = TrainedModel.load(record.parent)
        except TrainingError:
            continue
        if trained.history:
            seconds, epochs = trained.history[-1].seconds, trained.record["recipe"]["epochs"]
            expected_s = seconds / epochs * use_case.spec.recipe.epochs
            return Training(trained.model_id, seconds, epochs, expected_s)
    return None


def _changes(before: UseCase, after: UseCase) -> Iterator[Change]:
    if before.task != after.task:
        yield Change(TYPE, before.task, after.task)
    old, new = (case.spec.model_dump(mode="json") for case in (before, after))
    yield from _differences(old, new, "")


def _differences(old: Any, new: Any, key: str) -> Iterator[Change]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in old | new:
            yield from _differences(old.get(name), new.get(name), f"{key}.{name}".lstrip("."))
    elif isinstance(old, list) and isinstance(new, list):
        yield from _differences_of_lists(old, new, key)
    elif old != new:
        yield Change(key, old, new)


def _differences_of_lists(old: list[Any], new: list[Any], key: str) -> Iterator[Change]:
    """Entries that went and came; as many of both are the same entries with other values."""
    went = [entry for entry in old if entry not in new]
    came = [entry for entry in new if entry not in old]
    if old != new and not went and not came:
        yield Change(key, old, new)
    elif len(went) == len(came):
        for before, after in zip(went, came, strict=True):
            yield from _differences(before, after, f"{key}[{new.index(after)}]")
    else:
        yield from (Change(f"{key}[{old.index(entry)}]", entry, None) for entry in went)
        yield from (Change(f"{key}[{new.index(entry)}]", None, entry) for entry in came)


def _steps(use_case: UseCase, changes: tuple[Change, ...]) -> Iterator[Step]:
    """Down the graph: what is made anew makes all below it anew."""
    remade, judged = "", ""
    for noun in GRAPH:
        keys = reads(noun, use_case.spec)
        makes, judges, takes = (
            _touching(changes, of) for of in (keys.makes, keys.judges, keys.takes)
        )
        if makes or remade:
            yield Step(noun, Verdict.REBUILD, makes or f"{remade} is made anew")
            remade = noun
        elif judges:
            yield Step(noun, Verdict.JUDGE, judges)
            judged = noun
        elif judged == "evaluation_report":
            yield Step(noun, Verdict.GOES_ON, "the same bundle, if the gates let it through")
        elif takes:
            yield Step(noun, Verdict.FROM_NOW_ON, f"{takes}; what is stored stays")
        else:
            yield Step(noun, Verdict.STAYS, "")


def _touching(changes: tuple[Change, ...], keys: tuple[str, ...]) -> str:
    """The changes of any of the keys, in words; empty where there is none."""
    return "; ".join(str(each) for each in changes if any(each.touches(key) for key in keys))


def _elsewhere(changes: tuple[Change, ...]) -> dict[str, str]:
    return {
        str(change): when
        for change in changes
        for key, when in ELSEWHERE.items()
        if change.key != TYPE and change.touches(key)
    }


def _command(name: str, nouns: list[str]) -> str:
    """What materializes the assets; without images there is nothing to select."""
    words = ["vision-assets", "run", name]
    if len(nouns) < len(GRAPH):
        words += [word for noun in nouns for word in ("--select", noun)]
    return shlex.join(words)


def _short(value: Any) -> str:
    if isinstance(value, dict):
        value = {name: said for name, said in value.items() if said is not None}
    text = "none" if value is None else str(value).replace("'", "")
    return text if len(text) <= 80 else f"{text[:77]}..."
