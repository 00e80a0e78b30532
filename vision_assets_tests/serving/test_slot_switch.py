"""Switching the bundle of a service that is answering."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from vision_assets.serving.deployments import Deployments
from vision_assets.serving.process import ServiceProcess
from vision_assets.vision.inference.service.slot import Slot, write_slot
from vision_assets_tests.serving.bundles import colour_png, make_bundle

PNG = colour_png("blue")
OTHER_NAMES = ("rot", "gruen", "blau")


@pytest.fixture(scope="module")
def other(home, bundle_folder) -> Path:
    """Another bundle, whose classes have other names."""
    return make_bundle(home.bundles("colours"), OTHER_NAMES, gain=8.0)


@pytest.fixture(autouse=True)
def _first_bundle_again(deployments: Deployments, bundle_folder: Path, built) -> Iterator[None]:
    yield
    deployments.repair()
    deployments.deploy(bundle_folder.name, bundle_folder, built.tag, "the test is over", "test")
    deployments.wait_for_workers(20)


def deploy(deployments: Deployments, folder: Path) -> None:
    deployments.deploy(folder.name, folder, f"colours:{folder.name}", "a test", "test")


def eventually(said: Callable[[], bool], timeout_s: float = 60) -> bool:
    deadline = time.monotonic() + timeout_s
    while not said() and time.monotonic() < deadline:
        time.sleep(0.05)
    return said()


@contextmanager
def load(service: ServiceProcess, threads: int = 3) -> Iterator[list[tuple[int, dict]]]:
    """Posts pictures without a pause while the block runs."""
    answers: list[tuple[int, dict]] = []
    stop = threading.Event()

    def post() -> None:
        with httpx.Client(base_url=service.base_url, timeout=30, trust_env=False) as client:
            while not stop.is_set():
                response = client.post("/predict", files={"image": ("p.png", PNG)})
                answers.append((response.status_code, response.json()))

    workers = [threading.Thread(target=post) for _ in range(threads)]
    for worker in workers:
        worker.start()
    try:
        yield answers
    finally:
        stop.set()
        for worker in workers:
            worker.join()


def test_a_switch_under_load_fails_no_request_and_mixes_no_answer(
    service, deployments, bundle_folder, other
):
    assert eventually(lambda: len(_fresh(deployments)) == 2)
    with load(service) as answers:
        assert eventually(lambda: len(answers) > 20)
        deploy(deployments, other)
        switch = deployments.wait_for_workers(20)
        switched_at = len(answers)
        assert eventually(lambda: len(answers) > switched_at + 40)
    assert len(switch.taken) == 2
    assert {status for status, _ in answers} == {200}
    said = {(a["label"], a["versions"]["bundle_id"], a["versions"]["source"]) for _, a in answers}
    assert said == {("blue", bundle_folder.name, "baked"), ("blau", other.name, "slot")}
    in_flight = 3
    later = {answer["label"] for _, answer in answers[switched_at + in_flight :]}
    assert later == {"blau"}


@pytest.mark.slow
def test_twenty_clients_see_twenty_switches_no_failure_and_no_mix(
    service, deployments, bundle_folder, other
):
    deploy(deployments, other)
    switch_s = []
    with load(service, threads=20) as answers:
        for _ in range(20):
            began = time.monotonic()
            deployments.rollback("a test", "test")
            assert len(deployments.wait_for_workers(20).taken) == 2
            switch_s.append(time.monotonic() - began)
            assert more_than(answers, len(answers) + 20)
    assert {status for status, _ in answers} == {200}
    said = {(answer["versions"]["bundle_id"], answer["label"]) for _, answer in answers}
    assert said == {(bundle_folder.name, "blue"), (other.name, "blau")}
    assert max(switch_s) < 10


def more_than(answers: list, n: int) -> bool:
    return eventually(lambda: len(answers) > n)


def damaged(other: Path, to: Path) -> Path:
    shutil.copytree(other, to)
    model = to / "model.onnx"
    model.write_bytes(model.read_bytes()[:-1] + b"?")
    return to


def of_another_use_case(other: Path, to: Path) -> Path:
    return make_bundle(to, gain=2.0, use_case="shapes")


def missing(other: Path, to: Path) -> Path:
    return to / "nothing"


@pytest.mark.parametrize(
    ("bad", "why"),
    [(damaged, "was changed"), (of_another_use_case, "shapes"), (missing, "cannot be read")],
)
def test_a_bad_bundle_is_refused_and_the_old_one_goes_on(
    client, deployments, other, bundle_folder, tmp_path, bad, why
):
    folder = bad(other, tmp_path / "bad")
    sequence = deployments.current().sequence + 1
    write_slot(
        deployments.slot_path,
        Slot(sequence=sequence, bundle_id=folder.name, bundle=str(folder)),
    )
    assert eventually(lambda: client.get("/info").json()["slot"]["sequence"] == sequence)
    info = client.get("/info").json()
    assert why in info["slot"]["refused"]
    assert info["model"]["bundle_id"] == bundle_folder.name
    assert client.post("/predict", files={"image": PNG}).json()["label"] == "blue"


def test_a_slot_that_is_no_slot_is_refused(client, deployments):
    deployments.slot_path.write_text("{")
    assert eventually(lambda: client.get("/info").json()["slot"]["refused"] is not None)
    assert client.post("/predict", files={"image": PNG}).json()["label"] == "blue"


def test_a_killed_worker_comes_back_with_the_bundle_of_the_slot(
    service, client, deployments, other
):
    deploy(deployments, other)
    deployments.wait_for_workers(20)
    before = _workers(service)
    before[0].kill()
    assert eventually(lambda: len(_workers(service)) == 2 and _workers(service) != before)
    assert eventually(lambda: len(_fresh(deployments)) == 2)
    labels = {_label_of_a_new_connection(service) for _ in range(20)}
    assert labels == {"blau"}


def _workers(service: ServiceProcess) -> list[psutil.Process]:
    """The processes that answer, oldest first."""
    children = psutil.Process(service.pid).children()
    return sorted(children, key=lambda child: child.create_time())


def _fresh(deployments: Deployments) -> list:
    return deployments.switch(fresh_s=1).taken


def _label_of_a_new_connection(service: ServiceProcess) -> str:
    response = httpx.post(
        f"{service.base_url}/predict", files={"image": PNG}, timeout=30, trust_env=False
    )
    return response.json()["label"]
