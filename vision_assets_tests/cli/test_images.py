"""ingest, status, label, resolve and remove on a real store."""

import os

import pytest

from vision_assets.vision.store.image_store import ImageStore


@pytest.fixture
def ingested(steel, run):
    run("ingest", steel)
    return steel


def test_ingest_says_what_became_of_each_file(steel, run_json, samples):
    said = run_json("ingest", steel)
    assert said["files"] == samples.n_files
    assert said["outcomes"]["accepted"] == 20 + len(samples.near_duplicates)
    assert {entry["path"] for entry in said["refused"]} >= set(samples.broken)


def test_a_second_ingest_finds_nothing(ingested, run_json):
    assert run_json("ingest", ingested)["files"] == 0


def test_status_counts_what_is_stored(ingested, run_json, samples):
    state = run_json("status")[ingested]
    assert state["images"] == 20 + len(samples.near_duplicates)
    assert state["quarantined"] == len(samples.broken) + len(samples.conflicts)
    assert (state["waiting"], state["answers"], state["dataset"]) == (0, None, None)


def test_status_of_no_use_case_names_those_that_exist(steel, run):
    assert "steel" in run("status", "stele", code=2).stderr


def test_open_items_are_listed_and_dismissed(ingested, run, run_json):
    items = [item["item_id"] for item in run_json("resolve", ingested)]
    run("resolve", ingested, *items, "--dismiss", "--why", "seen", "--author", "someone")
    assert run_json("resolve", ingested) == []


def test_who_has_no_name_on_the_system_is_recorded_by_number(ingested, run, run_json, monkeypatch):
    item = run_json("resolve", ingested)[0]["item_id"]
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    run("resolve", ingested, item, "--dismiss")
    assert "settled by user 54321" in run("resolve", ingested, item, "--accept", code=1).stderr


def test_an_accepted_conflict_changes_the_label(ingested, run, run_json):
    conflict = _conflict(run_json("resolve", ingested))
    run("resolve", ingested, conflict["item_id"], "--accept", "--author", "someone")
    assert _conflict(run_json("resolve", ingested)) is None


def test_a_decision_is_needed(ingested, run, run_json):
    item = run_json("resolve", ingested)[0]["item_id"]
    run("resolve", ingested, item, code=2)
    run("resolve", ingested, item, "--accept", "--dismiss", code=2)


def test_an_unknown_item_is_a_failure_without_a_traceback(ingested, run):
    result = run("resolve", ingested, "nothing", "--dismiss", code=1)
    assert "no item" in result.stderr
    assert "Traceback" not in result.output


def test_labels_come_from_a_table(ingested, run_json, samples, tmp_path):
    original = samples.duplicates[0][1]
    table = tmp_path / "labels.csv"
    table.write_text(f"image,label\n{original},crack\n")
    first = run_json("label", ingested, table, "--author", "someone")
    again = run_json("label", ingested, table, "--author", "someone")
    assert first["new"] + first["changed"] + first["unchanged"] == 1
    assert again["unchanged"] == 1


def test_remove_names_the_files_that_still_hold_an_image(ingested, run_json, home, samples):
    copy, original = samples.duplicates[0]
    ledger = ImageStore.open(home / "stores" / ingested).ledger
    (image_id,) = ledger.lookup("path", [original], ["image_id"])["image_id"].to_pylist()
    moved = samples.folder / "taken" / original
    moved.parent.mkdir(parents=True)
    (samples.folder / original).rename(moved)
    said = run_json("remove", ingested, image_id, "--why", "asked for", "--yes")
    assert {copy, original} <= set(said["sources"])
    assert {copy, f"taken/{original}"} <= set(said["landed"])
    assert original not in said["landed"]


def test_remove_says_where_pictures_may_remain(ingested, run, home):
    image_id = ImageStore.open(home / "stores" / ingested).images()["image_id"][0]
    said = run("remove", ingested, image_id, "--why", "asked for", "--yes").output
    assert "Dagster's event log" in said


def test_a_wrong_table_is_wrong_usage(ingested, run, tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("image,label\nnowhere.jpg,crack\n")
    assert "nowhere.jpg" in run("label", ingested, table, code=2).stderr


def _conflict(items):
    return next((item for item in items if item["reason"] == "label_conflict"), None)
