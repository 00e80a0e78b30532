"""What housekeeping lets go, what it never touches, and that it may die in the middle."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from vision_assets.home import Home
from vision_assets.keeping.housekeeping import leftovers
from vision_assets.keeping.housekeeping.housekeeping import carry_out, plan
from vision_assets.keeping.pins import pin, pins, unpin
from vision_assets.serving.deployments import Deployments
from vision_assets.vision.errors import SpecError, StoreError, StoreLocked
from vision_assets.vision.file_lock import file_lock
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.inference.service.slot import Acknowledgement, acknowledge
from vision_assets.vision.use_case import UseCase
from vision_assets_tests.keeping.conftest import Fill
from vision_assets_tests.keeping.plans import case_with, names
from vision_assets_tests.serving.bundles import make_bundle

LONG_AGO_S = 400 * 86_400


@pytest.fixture
def keeping(parts: UseCase) -> UseCase:
    """Nothing is kept for its newness but the very newest model."""
    return case_with(parts, models=1, models_days=30)


def age(path: Path, seconds: float = LONG_AGO_S) -> None:
    """As if it had been written long ago."""
    then = time.time() - seconds
    for each in [path, *path.rglob("*")]:
        os.utime(each, (then, then))


Made = Callable[..., str]


@pytest.fixture
def made(home: Home) -> Made:
    """An old model with its bundle, report and Bento; gives the bundle's id."""

    def make(n: int, model: str | None = None) -> str:
        folder = make_bundle(home.bundles("parts"), gain=4.0 + n)
        model_id = model or f"{n:012x}"
        card = json.loads((folder / "card.json").read_text()) | {"model_id": model_id}
        (folder / "card.json").write_text(json.dumps(card))
        for path, text in {
            home.models("parts") / model_id / "model.json": "{}",
            home.reports("parts") / f"{n:012x}" / "scorecard.json": json.dumps(
                {"bundle_id": folder.name}
            ),
            home.bentoml / "bentos" / "parts" / folder.name / "bento.yaml": "x",
        }.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            age(path.parent, LONG_AGO_S - n)
        age(folder, LONG_AGO_S - n)
        return folder.name

    return make


def deploy(home: Home, *bundles: str) -> None:
    log = Deployments(home.deployments("parts"))
    for bundle in bundles:
        log.deploy(bundle, home.bundles("parts") / bundle, f"parts:{bundle}", "why", "by")


def test_an_old_model_goes_with_all_that_was_made_of_it(
    home: Home, keeping: UseCase, dagster: dg.DagsterInstance, made: Made
) -> None:
    old, new = made(1), made(2)
    found = plan(home, [keeping], dagster)
    assert [item.kind for item in found.items] == ["Bento", "report", "bundle", "model"]
    assert names(found, "bundle") == {old}
    done = carry_out(home, found.items)
    assert (len(done.removed), done.failed) == (4, ())
    assert [path.name for path in home.bundles("parts").iterdir()] == [new]
    assert plan(home, [keeping], dagster).items == ()


def test_what_is_deployed_and_the_one_before_stay_whatever_their_age(
    home: Home, keeping: UseCase, dagster: dg.DagsterInstance, made: Made
) -> None:
    ids = [made(n) for n in range(1, 6)]
    deploy(home, *ids[:3])
    for each in ids:
        age(home.bundles("parts") / each)
    found = plan(home, [keeping], dagster)
    assert names(found, "bundle") == {ids[0], ids[3]}
    assert names(found, "model") == {f"{1:012x}", f"{4:012x}"}
    carry_out(home, found.items)
    log = Deployments(home.deployments("parts"))
    assert log.rollback("back", "someone").bundle_id == ids[1]


def test_what_is_pinned_stays_until_it_is_not(
    home: Home, keeping: UseCase, dagster: dg.DagsterInstance, made: Made
) -> None:
    old, _ = made(1), made(2)
    pin(home, "parts", old, "asked for by the customer", "someone")
    assert plan(home, [keeping], dagster).items == ()
    assert plan(home, [keeping], dagster).stays["parts"].reasons[old].startswith("pinned")
    unpin(home, "parts", old)
    assert names(plan(home, [keeping], dagster), "bundle") == {old}
    with pytest.raises(SpecError, match="not pinned"):
        unpin(home, "parts", old)
    with pytest.raises(SpecError, match="expected the id"):
        pin(home, "parts", "nothing", "why", "someone")


def test_damaged_pins_or_a_damaged_log_let_nothing_go(
    home: Home, keeping: UseCase, dagster: dg.DagsterInstance, made: Made
) -> None:
    _ = made(1), made(2)
    home.pins.mkdir()
    (home.pins / "parts.json").write_text("{")
    found = plan(home, [keeping], dagster)
    assert found.items == ()
    assert "damaged" in found.refused["parts"]
    with pytest.raises(StoreError, match="restore it"):
        pins(home, "parts")


def test_what_a_worker_answers_with_stays(
    home: Home, keeping: UseCase, dagster: dg.DagsterInstance, made: Made
) -> None:
    old, _ = made(1), made(2)
    said = Acknowledgement(worker="1-a", sequence=None, bundle_id=old, source="baked")
    acknowledge(Deployments(home.deployments("parts")).slot_path, said)
    assert plan(home, [keeping], dagster).items == ()


def test_a_bento_that_a_process_runs_from_stays(
    home: Home, keeping: UseCase, dagster: dg.DagsterInstance, made: Made
) -> None:
    old, _ = made(1), made(2)
    folder = home.bentoml / "bentos" / "parts" / old
    with subprocess.Popen([sys.executable, "-c", "input()"], cwd=folder, stdin=-1) as process:
        assert names(plan(home, [keeping], dagster), "Bento") == set()
        process.communicate(b"\n")
    assert names(plan(home, [keeping], dagster), "Bento") == {old}


def test_what_a_run_under_way_may_use_stays(
    home: Home, keeping: UseCase, dagster: dg.DagsterInstance, made: Made
) -> None:
    _ = made(1), made(2)
    dagster.add_run(dg.DagsterRun(job_name="parts_retrain", status=dg.DagsterRunStatus.STARTED))
    (started,) = dagster.get_run_records()
    assert plan(home, [keeping], dagster).stays["parts"].since_s == pytest.approx(
        started.create_timestamp.timestamp()
    )


def test_one_that_was_rolled_back_to_after_the_plan_stays(
    home: Home, keeping: UseCase, dagster: dg.DagsterInstance, made: Made
) -> None:
    ids = [made(1), made(2), made(3)]
    deploy(home, *ids)
    age(home.bundles("parts") / ids[0])
    found = plan(home, [keeping], dagster)
    assert names(found, "bundle") == {ids[0]}
    Deployments(home.deployments("parts")).rollback("back", "someone", to=ids[0])
    carry_out(home, found.items)
    assert Bundle.load(home.bundles("parts") / ids[0]).bundle_id == ids[0]


def test_killed_in_the_middle_it_is_completed_by_the_next(
    home: Home, keeping: UseCase, dagster: dg.DagsterInstance, made: Made, monkeypatch: Any
) -> None:
    for n in range(1, 5):
        made(n)
    removed = 0
    rmtree = shutil.rmtree

    def dies(folder: Path, **options: Any) -> None:
        nonlocal removed
        removed += 1
        if removed == 5:
            (next(folder.iterdir())).unlink()
            raise KeyboardInterrupt
        rmtree(folder, **options)

    monkeypatch.setattr(shutil, "rmtree", dies)
    with pytest.raises(KeyboardInterrupt):
        carry_out(home, plan(home, [keeping], dagster).items)
    monkeypatch.undo()
    for path in home.bundles("parts").glob("[!.]*"):
        Bundle.load(path)
    again = plan(home, [keeping], dagster)
    assert names(again, "remains") != set()
    assert carry_out(home, again.items).failed == ()
    assert len(list(home.bundles("parts").iterdir())) == 1
    assert not list(home.root.rglob(".leaving-*"))


def test_a_log_is_cut_to_its_end_and_written_on(
    home: Home, parts: UseCase, dagster: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "LOG_BYTES", 1000)
    home.logs.mkdir()
    log = home.logs / "dagster.log"
    with log.open("ab") as server:
        server.write(b"".join(b"line %04d\n" % n for n in range(500)))
        server.flush()
        carry_out(home, plan(home, [parts], dagster).items)
        server.write(b"goes on\n")
    assert log.read_text() == "goes on\n"
    kept = (home.logs / "dagster.log.1").read_text().splitlines()
    assert kept[-1] == "line 0499"
    assert kept[0].startswith("line ")
    assert len(kept) < 60


def test_caches_and_searches_go_but_not_the_newest(
    home: Home, parts: UseCase, dagster: dg.DagsterInstance
) -> None:
    for n, path in enumerate(
        [home.searches("parts") / "one", home.searches("parts") / "two", home.pixel_cache / "pack"]
    ):
        path.mkdir(parents=True)
        (path / "file").write_text("x")
        age(path, LONG_AGO_S - n)
    found = plan(home, [parts], dagster)
    assert {(item.kind, item.name) for item in found.items} == {
        ("search", "one"),
        ("cache", "pack"),
    }


def test_old_versions_of_tables_go_and_the_content_stays(
    home: Home, parts: UseCase, dagster: dg.DagsterInstance, fill: Fill, monkeypatch: Any
) -> None:
    from datetime import timedelta

    fill(3)
    store = fill(3)
    before = store.labels()
    assert plan(home, [parts], dagster).items == ()
    monkeypatch.setattr(leftovers, "_READERS_AT_MOST", timedelta(0))
    found = plan(home, [parts], dagster)
    assert names(found, "old versions of tables") == {"tables"}
    carry_out(home, found.items)
    assert store.labels().equals(before)
    assert len(dict(store.read(before["image_id"].tolist()))) == 6


def test_nothing_is_removed_while_a_backup_is_taken(
    home: Home, parts: UseCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vision_assets.keeping.housekeeping.housekeeping._LOCK_WAIT_S", 0.1)
    with file_lock(home.root / "keeping.lock", 1), pytest.raises(StoreLocked):
        carry_out(home, [])


def test_the_daily_job_removes_what_is_old(
    home: Home, write_yaml: Callable[..., Path], parts: UseCase, dagster: dg.DagsterInstance
) -> None:
    from vision_assets.definitions import defs

    (home.pixel_cache / "pack").mkdir(parents=True)
    age(home.pixel_cache / "pack")
    job = defs().resolve_job_def("housekeeping")
    assert job.execute_in_process(instance=dagster).success
    assert not (home.pixel_cache / "pack").exists()
