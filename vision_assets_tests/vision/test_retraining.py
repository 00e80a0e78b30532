"""Whether a training starts: each trigger, and each thing that stands against it."""

import re

import pytest

from vision_assets.vision.retraining import (
    DAY_S,
    GATHER_S,
    MAX_TRIES,
    Circumstances,
    Decision,
    NewImages,
    decide,
)
from vision_assets.vision.spec import ScheduleSpec, TriggersSpec

NOW_S = 1_800_000_000.0
NOTHING_AGAINST = Circumstances()
CLOCK = ScheduleSpec(cron="0 3 * * 0")


def _images(new: int = 10, held: int = 100, days: float = 0.5) -> NewImages:
    version = f"v0001-{held}" if held else None
    return NewImages(new, held, version, NOW_S - days * DAY_S if new else None)


def _decide(
    images: NewImages | None = None,
    against: Circumstances = NOTHING_AGAINST,
    clock: ScheduleSpec | None = None,
    **triggers: float | None,
) -> Decision:
    spec = TriggersSpec.model_validate({"retrain_after": None, **triggers})
    return decide("parts", spec, images or _images(), lambda: against, NOW_S, clock)


@pytest.mark.parametrize(("new", "trains"), [(9, False), (10, True)])
def test_enough_new_images_start_a_training(new: int, trains: bool):
    assert _decide(_images(new), retrain_after=10).trains is trains


@pytest.mark.parametrize(("new", "trains"), [(19, False), (20, True)])
def test_a_share_of_what_the_last_training_had_starts_one(new: int, trains: bool):
    assert _decide(_images(new), retrain_after_share=0.2).trains is trains


def test_before_the_first_training_there_is_no_share():
    assert not _decide(_images(1000, held=0), retrain_after_share=0.2).trains


@pytest.mark.parametrize(("days", "trains"), [(13.9, False), (14.1, True)])
def test_an_image_that_waits_too_long_starts_one(days: float, trains: bool):
    assert _decide(_images(1, days=days), retrain_after_days=14).trains is trains


def test_no_age_where_nothing_waits():
    assert not _decide(_images(0), retrain_after_days=14).trains


def test_the_reason_names_every_trigger_that_fires_with_its_figures():
    found = _decide(_images(30, days=20), retrain_after=10, retrain_after_days=14)
    assert found.reason == (
        "30 new labelled images, 10 were asked for; "
        "the oldest new labelled image waits 20.0 days, 14 days were asked for"
    )


def test_what_is_missing_is_said_with_its_figures():
    found = _decide(_images(3), retrain_after=10, retrain_after_share=0.5)
    assert found.why_not == (
        "3 new labelled images, 10 start a training; "
        "3.0% of the 100 labelled images of v0001-100, 50.0% start a training."
    )


def test_the_clock_needs_no_new_image():
    assert _decide(_images(0), clock=CLOCK).reason == "schedule 0 3 * * 0 UTC"


def test_the_clock_trains_on_nothing_where_nothing_is_stored():
    assert "nothing to train on" in _decide(_images(0, held=0), clock=CLOCK).why_not


@pytest.mark.parametrize(
    ("against", "said"),
    [
        (Circumstances(under_way="run abc"), "under way: run abc"),
        (Circumstances(succeeded="abcdefghij"), "Nothing has changed.*abcdefgh"),
        (Circumstances(failed=("r2", "r1"), error="no room"), "failed 2 times.*no room.*by hand"),
        (Circumstances(failed=("r1",), canceled=True), "A person stopped.*by hand"),
        (Circumstances(on_their_way=7), "7 images are still on their way"),
        (Circumstances(last_began_s=NOW_S - 1200), "began 20 min ago.*in 40 min"),
    ],
)
def test_what_stands_against_it_is_said(against: Circumstances, said: str):
    found = _decide(_images(10, days=0.01), against, retrain_after=10)
    assert not found.trains
    assert not found.reason
    assert re.search(said, found.why_not)


def test_a_first_failure_is_tried_once_more():
    assert MAX_TRIES == 2
    assert _decide(against=Circumstances(failed=("r1",)), retrain_after=10).trains


def test_images_that_never_all_arrive_hold_nothing_back_for_ever():
    waiting = Circumstances(on_their_way=7)
    late = _images(10, days=(GATHER_S + 1) / DAY_S)
    assert _decide(late, waiting, retrain_after=10).trains


def test_the_clock_does_not_wait_for_images_on_their_way():
    assert _decide(against=Circumstances(on_their_way=7), clock=CLOCK).trains


def test_the_cool_down_ends():
    began = Circumstances(last_began_s=NOW_S - 3601)
    assert _decide(against=began, retrain_after=10).trains
    assert not _decide(against=began, retrain_after=10, cool_down_hours=2).trains


def test_what_was_before_the_clock_was_set_back_holds_nothing_back():
    ahead = Circumstances(last_began_s=NOW_S + 365 * DAY_S, on_their_way=7)
    assert _decide(_images(10, days=-365), ahead, retrain_after=10).trains


def test_nothing_is_looked_up_where_no_trigger_fires():
    def never() -> Circumstances:
        raise AssertionError("nobody asked")

    assert not decide("parts", TriggersSpec(), _images(3), never, NOW_S).trains
