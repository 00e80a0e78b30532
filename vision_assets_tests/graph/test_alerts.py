"""Alerts against a receiver on a real port: each once, also where it is down, slow or broken."""

import hmac
import json
import logging
import time
from collections.abc import Callable
from typing import Any

import dagster as dg
import pytest

from vision_assets.automation import webhook as webhook_module
from vision_assets.automation.alerts import alerts, of_run, tell_of_need
from vision_assets.automation.failures import error_of
from vision_assets.automation.needs import Need, Urgency, needs
from vision_assets.automation.outbox import (
    FIRST_WAIT_S,
    KEPT_S,
    MAX_TRIES,
    DeliveryFailed,
    Letter,
    Outbox,
)
from vision_assets.automation.standing import standing
from vision_assets.automation.status import status
from vision_assets.automation.webhook import (
    SECRET_VARIABLE,
    SIGNATURE_HEADER,
    TIME_HEADER,
    URL_VARIABLE,
    Webhook,
)
from vision_assets.home import Home
from vision_assets.resources.home import HomeResource
from vision_assets.serving.process import free_port
from vision_assets.vision.disk import MIN_FREE_VARIABLE
from vision_assets.vision.errors import TrainingError
from vision_assets.vision.file_lock import file_lock
from vision_assets.vision.remedies import SERVICE_STOPPED
from vision_assets.vision.use_case import UseCase
from vision_assets_tests.graph.chains import run_chain
from vision_assets_tests.graph.receiver import Receiver, receiving
from vision_assets_tests.graph.ticks import store_all, tick

MESSAGE = {"id": "r1", "use_case": "parts", "what": "run r1", "error": "no room"}
NOW_S = 1_800_000_000.0
YEAR_S = 365 * 24 * 3600


Drop = Callable[[int], None]


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch):
    """A receiver that the environment names."""
    with receiving() as found:
        monkeypatch.setenv(URL_VARIABLE, found.url)
        yield found


@pytest.fixture
def outbox(home: Home) -> Outbox:
    """The outbox of the home, with one message in it."""
    made = Outbox(home.alerts)
    made.put("r1", MESSAGE, NOW_S)
    return made


def _deliver(outbox: Outbox, url: str, at_s: float = NOW_S) -> list[Letter]:
    return outbox.deliver(Webhook(url).post, at_s)


def test_a_message_is_delivered_once(outbox: Outbox, receiver: Receiver) -> None:
    for _ in range(3):
        _deliver(outbox, receiver.url, NOW_S + 1000)
        assert not outbox.put("r1", MESSAGE)
    assert [json.loads(each.body) for each in receiver.requests] == [MESSAGE]


@pytest.mark.parametrize("answer", [500, 503, 404, 302])
def test_what_is_not_taken_is_tried_again_later(
    outbox: Outbox, receiver: Receiver, answer: int
) -> None:
    receiver.answers = [answer]
    (failed,) = _deliver(outbox, receiver.url)
    assert failed.error == f"the receiver answered {answer}"
    assert _deliver(outbox, receiver.url, NOW_S + FIRST_WAIT_S - 1) == []
    (done,) = _deliver(outbox, receiver.url, NOW_S + FIRST_WAIT_S)
    assert (done.error, done.tries) == ("", 2)
    assert outbox.undelivered() == []


def test_a_receiver_that_is_down_gets_it_when_it_is_up(outbox: Outbox) -> None:
    port = free_port()
    (failed,) = _deliver(outbox, f"http://127.0.0.1:{port}/")
    assert "cannot be reached (ConnectError)" in failed.error
    with receiving(port) as found:
        _deliver(outbox, found.url, NOW_S + 60)
        assert len(found.requests) == 1


def test_a_slow_receiver_holds_nothing_up(
    outbox: Outbox, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_module, "TIMEOUT_S", 0.2)
    receiver.slow_s = 1.5
    began = time.monotonic()
    (failed,) = _deliver(outbox, receiver.url)
    assert time.monotonic() - began < 1.4
    assert "did not answer within 0.2 s" in failed.error


def test_waits_grow_and_tries_end(outbox: Outbox) -> None:
    def refuse(message: dict[str, Any]) -> None:
        raise DeliveryFailed("the receiver answered 500")

    at_s, waits = NOW_S, []
    while tried := outbox.deliver(refuse, at_s):
        waits.append(tried[0].next_try_s - at_s)
        at_s = tried[0].next_try_s
    assert len(waits) == MAX_TRIES
    assert waits == sorted(waits)
    assert waits[0] == FIRST_WAIT_S
    assert [each.tries for each in outbox.undelivered()] == [MAX_TRIES]


def test_what_was_given_up_is_told_until_something_gets_through(
    outbox: Outbox, receiver: Receiver
) -> None:
    receiver.answers = [500] * MAX_TRIES
    for number in range(MAX_TRIES):
        _deliver(outbox, receiver.url, NOW_S + 10_000 * number)
    assert len(outbox.undelivered()) == 1
    outbox.put("r2", MESSAGE | {"id": "r2"}, NOW_S + 1)
    _deliver(outbox, receiver.url, NOW_S + 2)
    assert outbox.undelivered(NOW_S + 3) == []


def test_what_a_clock_that_ran_ahead_tried_is_tried_again(
    outbox: Outbox, receiver: Receiver
) -> None:
    receiver.answers = [500]
    _deliver(outbox, receiver.url, NOW_S + YEAR_S)
    (done,) = _deliver(outbox, receiver.url, NOW_S + 1)
    assert (done.error, done.tries) == ("", 2)


def test_what_a_clock_that_ran_ahead_sent_hides_nothing(outbox: Outbox, receiver: Receiver) -> None:
    outbox.put("r2", MESSAGE | {"id": "r2"}, NOW_S + YEAR_S)
    receiver.answers = [500, 200, *[500] * MAX_TRIES]
    for number in range(MAX_TRIES):
        _deliver(outbox, receiver.url, NOW_S + 10_000 * number)
    assert [each.id for each in outbox.undelivered(NOW_S + 200_000)] == ["r1"]


def test_a_process_that_dies_in_a_try_has_counted_it(outbox: Outbox, home: Home) -> None:
    def die(message: dict[str, Any]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        outbox.deliver(die, NOW_S)
    (letter,) = Outbox(home.alerts).undelivered()
    assert letter.tries == 1


def test_two_daemons_deliver_it_once(outbox: Outbox, home: Home) -> None:
    with file_lock(home.alerts / "lock", 1), pytest.raises(Exception, match="being written"):
        outbox.deliver(pytest.fail, NOW_S)


def test_what_was_delivered_is_forgotten_at_last(
    outbox: Outbox, receiver: Receiver, home: Home
) -> None:
    _deliver(outbox, receiver.url)
    outbox.put("r2", MESSAGE | {"id": "r2"}, NOW_S + KEPT_S + 1)
    _deliver(outbox, receiver.url, NOW_S + KEPT_S + 1)
    assert [path.stem for path in (home.alerts / "sent").iterdir()] == ["r2"]


def test_a_message_is_signed_where_there_is_a_secret(
    outbox: Outbox, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, "among us")
    webhook = Webhook.from_environment()
    assert webhook is not None
    outbox.deliver(webhook.post, NOW_S)
    (request,) = receiver.requests
    stamped = request.headers[TIME_HEADER].encode() + b"." + request.body
    expected = hmac.new(b"among us", stamped, "sha256").hexdigest()
    assert request.headers[SIGNATURE_HEADER] == f"sha256={expected}"


def test_address_and_secret_are_written_nowhere(
    outbox: Outbox,
    receiver: Receiver,
    home: Home,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpx").setLevel(logging.NOTSET)
    monkeypatch.setenv(SECRET_VARIABLE, "among us")
    webhook = Webhook.from_environment()
    assert webhook is not None
    receiver.answers = [500]
    outbox.deliver(webhook.post, NOW_S)
    outbox.deliver(webhook.post, NOW_S + 100)
    written = [path.read_text() for path in home.alerts.rglob("*.json")]
    said = "\n".join([*written, caplog.text, repr(webhook)])
    assert "token-of-the-receiver" not in said
    assert "among us" not in said


@pytest.mark.parametrize("url", ["no-url", "ftp://127.0.0.1/x", "http://[", "http://a b/"])
def test_a_wrong_address_is_told_without_it(outbox: Outbox, url: str) -> None:
    (failed,) = _deliver(outbox, url)
    assert "the receiver cannot be reached" in failed.error
    assert url not in failed.error


def _fail(case: UseCase, instance: dg.DagsterInstance) -> dg.DagsterRun:
    error = TrainingError("expected 2 images a class, got 1; add images")
    result = run_chain(case, instance, raising={"trained_model": error})
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    return run


def test_a_failed_run_is_told_with_the_remedy(parts: UseCase, instance: dg.DagsterInstance) -> None:
    run = _fail(parts, instance)
    message = of_run(instance, run)
    assert {name: message[name] for name in ("kind", "use_case", "asset", "error", "command")} == {
        "kind": "run_failed",
        "use_case": "parts",
        "asset": "parts/trained_model",
        "error": "expected 2 images a class, got 1; add images",
        "command": "vision-assets run parts",
    }
    assert message["id"] == run.run_id
    assert message["remedy"] == error_of(instance, run.run_id).remedy.do


def test_a_gate_is_told_with_its_figures(parts: UseCase, instance: dg.DagsterInstance) -> None:
    gate = dg.AssetCheckResult(
        check_name="gate_recall",
        passed=False,
        description="recall is 0.6; at least 0.9 is asked for",
        metadata={"verdict": "failed"},
    )
    result = run_chain(parts, instance, failing={"evaluation_report": gate})
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    message = of_run(instance, run)
    assert message["kind"] == "check_failed"
    assert "gate_recall failed: recall is 0.6" in message["error"]
    assert message["command"] == "vision-assets explain parts"


@pytest.mark.parametrize(
    ("job", "use_case"), [("parts_scanned_ingest", "parts_scanned"), ("housekeeping", "")]
)
def test_a_run_in_which_no_asset_failed_is_told_of_its_use_case(
    instance: dg.DagsterInstance, job: str, use_case: str
) -> None:
    @dg.op
    def remove_what_is_old() -> None:
        raise TrainingError("no")

    @dg.job(name=job)
    def graph() -> None:
        remove_what_is_old()

    done = graph.execute_in_process(instance=instance, raise_on_error=False)
    run = instance.get_run_by_id(done.run_id)
    assert run is not None
    assert of_run(instance, run)["use_case"] == use_case


def _failed_run_sensor(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    sensor = alerts()[0]
    record = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
    event = record.records[0].event_log_entry.dagster_event
    assert event is not None
    with dg.build_run_status_sensor_context(
        sensor_name="alerts", dagster_event=event, dagster_instance=instance, dagster_run=run
    ) as context:
        sensor(context.for_run_failure(), home=HomeResource())  # pyright: ignore[reportCallIssue]


def test_a_run_is_told_of_once_however_often_the_sensor_looks(
    parts: UseCase, instance: dg.DagsterInstance, receiver: Receiver
) -> None:
    run = _fail(parts, instance)
    for _ in range(2):
        _failed_run_sensor(instance, run)
        tick(alerts()[1], instance)
    (request,) = receiver.requests
    assert json.loads(request.body)["run_id"] == run.run_id


def test_a_run_that_is_started_again_is_not_told_of_yet(
    parts: UseCase, instance: dg.DagsterInstance, receiver: Receiver
) -> None:
    run = _fail(parts, instance)
    instance.add_run_tags(run.run_id, {"dagster/will_retry": "true"})
    again = instance.get_run_by_id(run.run_id)
    assert again is not None
    _failed_run_sensor(instance, again)
    tick(alerts()[1], instance)
    assert receiver.requests == []


def test_without_an_address_nothing_is_kept(
    parts: UseCase,
    instance: dg.DagsterInstance,
    home: Home,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    _failed_run_sensor(instance, _fail(parts, instance))
    assert "nobody is told" in (tick(alerts()[1], instance).skip_message or "")
    assert not home.alerts.exists()


def test_a_message_that_was_not_delivered_needs_a_person(
    parts: UseCase, instance: dg.DagsterInstance, outbox: Outbox, receiver: Receiver
) -> None:
    receiver.answers = [500]
    _deliver(outbox, receiver.url)
    (need,) = needs(standing(instance, HomeResource(), parts))
    assert need.urgency is Urgency.PERSON
    assert "the receiver answered 500" in need.what


def test_a_stopped_service_is_told_once_for_each_time(home: Home, receiver: Receiver) -> None:
    need = Need(Urgency.BROKEN, "Nothing answers on port 3100.", kind=SERVICE_STOPPED)
    told = [tell_of_need(home, "parts", need, at_s) for at_s in (100, 100, 900)]
    assert told == [True, False, True]


@pytest.mark.parametrize("is_torn", [False, True], ids=["sound", "a version is torn"])
def test_a_service_is_told_of_at_the_second_look(
    is_torn: bool,
    parts: UseCase,
    instance: dg.DagsterInstance,
    receiver: Receiver,
    deployed: Callable[[], None],
    home: Home,
) -> None:
    deployed()
    if is_torn:
        (home.datasets("parts") / "v0001-012345678901").mkdir(parents=True)
    (sensor,) = status(parts).sensors or ()
    assert isinstance(sensor, dg.SensorDefinition)
    cursor = tick(sensor, instance).cursor
    assert not list(home.alerts.glob("waiting/*"))
    for _ in range(2):
        cursor = tick(sensor, instance, cursor).cursor
    tick(alerts()[1], instance)
    kinds = [json.loads(request.body)["kind"] for request in receiver.requests]
    assert sorted(kinds) == ["broken", "service_stopped"][not is_torn :]


def test_a_landing_folder_that_is_gone_is_told_of_once(
    parts: UseCase, instance: dg.DagsterInstance, receiver: Receiver, home: Home, drop: Drop
) -> None:
    drop(2)
    store_all(home, parts)
    landing = home.landing(parts.spec.source.landing)
    landing.rename(landing.with_name("gone"))
    (message,) = _told(parts, instance, receiver, looks=3)
    assert (message["kind"], message["error_kind"]) == ("broken", "LandingUnreadable")
    assert "Mount it" in message["remedy"]


def test_a_disk_without_room_is_told_of_once_for_all_use_cases(
    parts: UseCase,
    instance: dg.DagsterInstance,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(MIN_FREE_VARIABLE, "1000000")
    other = UseCase("brass", parts.task, parts.spec)
    (message,) = _told(parts, instance, receiver, 2) + _told(other, instance, receiver, 2)
    assert message["error_kind"] == "DiskFull"
    assert "Nothing new is taken" in message["error"]


def _told(
    case: UseCase, instance: dg.DagsterInstance, receiver: Receiver, looks: int
) -> list[dict[str, Any]]:
    """What is delivered after some looks of the status sensor."""
    (sensor,) = status(case).sensors or ()
    assert isinstance(sensor, dg.SensorDefinition)
    cursor, before = None, len(receiver.requests)
    for _ in range(looks):
        cursor = tick(sensor, instance, cursor).cursor
    tick(alerts()[1], instance)
    return [json.loads(each.body) for each in receiver.requests[before:]]
