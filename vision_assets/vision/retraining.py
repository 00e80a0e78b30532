"""Whether a training starts now, and why, in words: the one place that decides it.

The sensor, the schedule and `vision-assets explain` all ask `decide`, so they cannot disagree.
"""

from collections.abc import Callable
from dataclasses import dataclass

from vision_assets.vision.spec import ScheduleSpec, TriggersSpec

MAX_TRIES = 2
"""Trainings that start by themselves from one state of images, YAML and code."""
GATHER_S = 3600.0
"""New images hold a training back until all have arrived, but none longer than this."""
DAY_S = 24 * 3600.0
_HOUR_S = 3600.0


@dataclass(frozen=True)
class NewImages:
    """Labelled images that no model was trained on yet.

    Attributes:
        new: how many there are.
        held: labelled images that the last training had; 0 before the first.
        version: the dataset version of the last training; None before the first.
        oldest_at_s: when the one that waits longest had its label, seconds since 1970; None
            where none waits.
    """

    new: int
    held: int
    version: str | None
    oldest_at_s: float | None


@dataclass(frozen=True)
class Circumstances:
    """What may stand against a training.

    Attributes:
        under_way: the training of this use case that runs or waits to run, in words.
        succeeded: id of a run that trained from this very state of images, YAML and code.
        failed: ids of the runs that failed from this very state, the latest first.
        error: why the latest of them failed, in one line.
        canceled: whether a person stopped the latest of them.
        last_began_s: when the last training began, seconds since 1970; None before the first.
        on_their_way: files that are being taken into the store.
        low_disk: how little room there is, in words; empty where there is enough.
    """

    under_way: str | None = None
    succeeded: str | None = None
    failed: tuple[str, ...] = ()
    error: str = ""
    canceled: bool = False
    last_began_s: float | None = None
    on_their_way: int = 0
    low_disk: str = ""


@dataclass(frozen=True)
class Trigger:
    """One thing that can start a training.

    Attributes:
        name: its key in the YAML.
        have: what is there, in words.
        need: what starts a training; empty where it is switched off.
        fires: whether it asks for a training now.
        reason: why, for the record of the run.
    """

    name: str
    have: str
    need: str
    fires: bool = False
    reason: str = ""


@dataclass(frozen=True)
class Decision:
    """Whether a training starts now.

    Attributes:
        trains: whether it does.
        reason: why it does, which trigger asked for it; recorded on the run.
        why_not: why it does not, and what would change that.
        triggers: all of them, with their figures.
    """

    trains: bool
    reason: str
    why_not: str
    triggers: tuple[Trigger, ...]


def decide(
    name: str,
    triggers: TriggersSpec,
    images: NewImages,
    circumstances: Callable[[], Circumstances],
    now_s: float,
    clock: ScheduleSpec | None = None,
) -> Decision:
    """Whether a training starts now.

    Args:
        name: of the use case.
        triggers: what its YAML asks for.
        images: that wait for a training.
        circumstances: asked for only where a trigger fires.
        now_s: seconds since 1970.
        clock: the schedule whose hour has come; None: images alone decide.
    """
    looked = image_triggers(triggers, images, now_s)
    if clock is not None:
        looked = (*looked, _by_clock(clock))
    firing = [trigger for trigger in looked if trigger.fires]
    if not firing:
        return Decision(False, "", _not_asked_for(looked), looked)
    found = circumstances()
    against = (
        _nothing_to_train_on(images)
        or _under_way(found)
        or _done_before(name, found)
        or ("" if clock else _gathering(images, found, now_s))
        or _cooling_down(triggers, found, now_s)
        or (f"Low on disk, no training is started: {found.low_disk}." if found.low_disk else "")
    )
    reason = "; ".join(trigger.reason for trigger in firing)
    return Decision(not against, "" if against else reason, against, looked)


def image_triggers(triggers: TriggersSpec, images: NewImages, now_s: float) -> tuple[Trigger, ...]:
    """The triggers by number, share and age of the images that wait."""
    return (
        _by_count(triggers, images),
        _by_share(triggers, images),
        _by_age(triggers, images, now_s),
    )


def _by_count(triggers: TriggersSpec, images: NewImages) -> Trigger:
    name, have, need = "retrain_after", f"{images.new} new labelled images", triggers.retrain_after
    if need is None:
        return Trigger(name, have, "")
    fires = images.new >= need
    return Trigger(name, have, str(need), fires, f"{have}, {need} were asked for")


def _by_share(triggers: TriggersSpec, images: NewImages) -> Trigger:
    name, need = "retrain_after_share", triggers.retrain_after_share
    if images.version is None or not images.held:
        return Trigger(name, "no training yet to compare with", f"{need:.0%}" if need else "")
    share = images.new / images.held
    have = f"{share:.1%} of the {images.held} labelled images of {images.version}"
    if need is None:
        return Trigger(name, have, "")
    reason = f"{images.new} new labelled images are {have}, {need:.1%} were asked for"
    return Trigger(name, have, f"{need:.1%}", share >= need, reason)


def _by_age(triggers: TriggersSpec, images: NewImages, now_s: float) -> Trigger:
    name, need = "retrain_after_days", triggers.retrain_after_days
    asked = "" if need is None else f"{need:g} days"
    if images.oldest_at_s is None:
        return Trigger(name, "no labelled image waits", asked)
    waited_days = max(0.0, now_s - images.oldest_at_s) / DAY_S
    have = f"the oldest new labelled image waits {waited_days:.1f} days"
    if need is None:
        return Trigger(name, have, "")
    return Trigger(name, have, asked, waited_days >= need, f"{have}, {asked} were asked for")


def _by_clock(clock: ScheduleSpec) -> Trigger:
    said = f"schedule {clock.cron} {clock.timezone}"
    return Trigger("schedule", "its hour has come", clock.cron, True, said)


def _not_asked_for(triggers: tuple[Trigger, ...]) -> str:
    asked = [trigger for trigger in triggers if trigger.need]
    if not asked:
        return "No trigger of the YAML starts a training by images; a person or the clock does."
    return "; ".join(f"{trigger.have}, {trigger.need} start a training" for trigger in asked) + "."


def _nothing_to_train_on(images: NewImages) -> str:
    nothing = images.version is None and not images.new
    return "No labelled image is stored: there is nothing to train on." if nothing else ""


def _under_way(found: Circumstances) -> str:
    return "" if found.under_way is None else f"A training is under way: {found.under_way}."


def _done_before(name: str, found: Circumstances) -> str:
    if found.succeeded is not None:
        return (
            "Nothing has changed since the last training: images, labels, YAML, code "
            f"(run {found.succeeded[:8]})."
        )
    again = (
        "it is not started again by itself until images, labels, YAML or code change; "
        f"start it by hand: vision-assets run {name}"
    )
    if found.canceled:
        return f"A person stopped the training of this state (run {found.failed[0][:8]}); {again}."
    if len(found.failed) >= MAX_TRIES:
        return (
            f"The training of this state failed {len(found.failed)} times, last in run "
            f"{found.failed[0][:8]} ({found.error}); {again}."
        )
    return ""


def _gathering(images: NewImages, found: Circumstances, now_s: float) -> str:
    waited_s = 0.0 if images.oldest_at_s is None else now_s - images.oldest_at_s
    if not found.on_their_way or not 0 <= waited_s < GATHER_S:
        return ""
    return f"{found.on_their_way} images are still on their way into the store."


def _cooling_down(triggers: TriggersSpec, found: Circumstances, now_s: float) -> str:
    if found.last_began_s is None:
        return ""
    rested_s, cool_down_s = now_s - found.last_began_s, triggers.cool_down_hours * _HOUR_S
    if not 0 <= rested_s < cool_down_s:  # it lies ahead where the clock was set back since
        return ""
    return (
        f"The last training began {_span(rested_s)} ago; the next one may start by itself in "
        f"{_span(cool_down_s - rested_s)} (triggers.cool_down_hours: {triggers.cool_down_hours:g})."
    )


def _span(seconds: float) -> str:
    minutes = max(0, round(seconds / 60))
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"
