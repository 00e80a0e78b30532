import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

from vision_assets.vision.dataset.difference import difference
from vision_assets.vision.dataset.versions import DatasetVersion, DatasetVersions
from vision_assets.vision.errors import DatasetError
from vision_assets.vision.expectation_result import ExpectationResult
from vision_assets.vision.manifest import SPLITS
from vision_assets_tests.vision.made_images import MadeImages, pipeline


@pytest.fixture
def made() -> MadeImages:
    made = MadeImages()
    made.add_many(10, "good")
    made.add_many(10, "spot")
    return made


@pytest.fixture
def versions(tmp_path: Path) -> DatasetVersions:
    return DatasetVersions(tmp_path / "datasets")


def test_a_version_holds_every_image(versions: DatasetVersions, made: MadeImages) -> None:
    version = versions.create(made, pipeline())
    assert version.number == 1
    assert version.name == f"v0001-{version.fingerprint[:12]}"
    assert version.parent is None
    assert version.counts["spot"] == {"train": 6, "val": 2, "test": 2}
    assert sorted(version.manifest()["image_id"]) == sorted(made.rows)


def test_the_same_content_is_the_same_version(versions: DatasetVersions, made: MadeImages) -> None:
    first = versions.create(made, pipeline())
    before = sorted((path, path.stat().st_mtime_ns) for path in versions.root.rglob("v*"))
    again = versions.create(made, pipeline())
    assert again.folder == first.folder
    assert sorted((path, path.stat().st_mtime_ns) for path in versions.root.rglob("v*")) == before


def test_two_homes_give_the_same_fingerprint(tmp_path: Path, made: MadeImages) -> None:
    here, there = (DatasetVersions(tmp_path / name).create(made, pipeline()) for name in "ab")
    assert here.fingerprint == there.fingerprint


def test_a_version_says_what_changed(versions: DatasetVersions, made: MadeImages) -> None:
    first = versions.create(made, pipeline())
    relabelled, removed = first.manifest()["image_id"].iloc[[0, 1]]
    made.label_of[relabelled] = "scratch"
    made.erase(removed)
    added = made.add("good")
    second = versions.create(made, pipeline())
    assert (second.number, second.parent) == (2, first.name)
    assert second.difference.added == (added,)
    assert second.difference.removed == (removed,)
    assert second.difference.relabelled == (relabelled,)
    assert second.difference.moved == ()
    assert second.changes == {"added": 1, "removed": 1, "relabelled": 1, "moved": 0}
    assert versions.get("v1").difference.counts["added"] == 20


def test_a_difference_knows_images_that_left_their_split(
    versions: DatasetVersions, made: MadeImages
) -> None:
    manifest = versions.create(made, pipeline()).manifest()
    moved = manifest.copy()
    moved.loc[3, "split"] = "held_out"
    assert difference(manifest, moved).moved == (manifest["image_id"][3],)
    assert difference(manifest, manifest).counts == dict.fromkeys(
        ("added", "removed", "relabelled", "moved"), 0
    )


def test_near_pairs_are_kept_from_version_to_version(
    versions: DatasetVersions, made: MadeImages
) -> None:
    for low in (1, 3):
        made.add(phash=0xABCD000000000000 + low)
    first = versions.create(made, pipeline())
    assert len(first.pairs()) == 1
    made.add(phash=0xABCD000000000007)
    assert len(versions.create(made, pipeline()).pairs()) == 3
    wider = versions.create(made, pipeline(near_duplicate_bits=16))
    assert wider.near_duplicate_bits in (4, 16)
    assert len(versions.get().pairs()) >= 3


def test_versions_are_found_by_number_name_and_fingerprint(
    versions: DatasetVersions, made: MadeImages
) -> None:
    first = versions.create(made, pipeline())
    made.add()
    second = versions.create(made, pipeline())
    assert [version.name for version in versions.list()] == [first.name, second.name]
    for name in ("v1", "v0001", first.name, first.fingerprint, first.fingerprint[:8]):
        assert versions.get(name).name == first.name
    assert versions.get().name == second.name


@pytest.mark.parametrize("name", ["v9", "newest", "abcdef", "v0001-000000000000", ""])
def test_a_missing_version_is_an_error_that_names_those_there(
    versions: DatasetVersions, made: MadeImages, name: str
) -> None:
    version = versions.create(made, pipeline())
    with pytest.raises(DatasetError, match=version.name):
        versions.get(name)


def test_before_the_first_version_there_is_none(versions: DatasetVersions) -> None:
    assert versions.list() == []
    with pytest.raises(DatasetError, match="no versions yet"):
        versions.get()


@pytest.mark.parametrize("name", ["manifest", "near_pairs", "changes"])
def test_a_changed_file_is_found_out(
    versions: DatasetVersions, made: MadeImages, name: str
) -> None:
    version = versions.create(made, pipeline())
    with (version.folder / f"{name}.parquet").open("ab") as file:
        file.write(b"x")
    with pytest.raises(DatasetError, match="changed after"):
        {
            "manifest": version.manifest,
            "near_pairs": version.pairs,
            "changes": lambda: version.difference,
        }[name]()


def test_a_version_of_another_schema_is_not_guessed_at(
    versions: DatasetVersions, made: MadeImages
) -> None:
    path = versions.create(made, pipeline()).folder / "version.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema_version": 99}))
    with pytest.raises(DatasetError, match="schema version 1, got 99"):
        versions.list()


def test_validation_is_recorded_beside_the_manifest(
    versions: DatasetVersions, made: MadeImages
) -> None:
    version = versions.create(made, pipeline())
    warned = ExpectationResult("light", "warning", False, "bright enough", 3.5, 1, [{"n": 1}])
    failed = ExpectationResult("ids", "critical", False, "unique", exception="no column")
    assert version.valid is None
    assert version.record_validation([warned]) is True
    assert version.valid is True
    assert version.record_validation([warned, failed]) is False
    assert versions.get().valid is False
    assert versions.get().results() == (warned, failed)
    assert len(version.manifest()) == 20


def test_an_erased_image_stays_in_the_manifest_by_its_hash(
    versions: DatasetVersions, made: MadeImages
) -> None:
    version = versions.create(made, pipeline())
    gone = version.manifest()["image_id"].iloc[4]
    made.erase(gone)
    assert version.erased(made) == (gone,)
    assert gone in set(version.manifest()["image_id"])


def test_splits_hold_over_many_versions(versions: DatasetVersions, made: MadeImages) -> None:
    placed: dict[str, str] = {}
    for _ in range(4):
        made.add_many(7, "scratch")
        manifest = versions.create(made, pipeline()).manifest()
        now = dict(zip(manifest["image_id"], manifest["split"], strict=True))
        assert all(now[key] == split for key, split in placed.items())
        placed = {key: split for key, split in now.items() if split in SPLITS}


def test_several_at_once_make_one_version(versions: DatasetVersions, made: MadeImages) -> None:
    def create(_: int) -> DatasetVersion:
        return DatasetVersions(versions.root).create(made, pipeline())

    with ThreadPoolExecutor(4) as pool:
        names = {version.name for version in pool.map(create, range(4))}
    assert len(names) == len(versions.list()) == 1


KILLED = """
import os, signal, sys
from pathlib import Path
from vision_assets.vision.dataset import versions
from vision_assets_tests.vision.made_images import MadeImages, pipeline

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

where, root = sys.argv[1:]
if where == "tables":
    versions.pd.DataFrame.to_parquet = die
if where == "sync":
    os.fsync = die
if where == "rename":
    Path.rename = die
made = MadeImages()
made.add_many(20)
versions.DatasetVersions(Path(root)).create(made, pipeline())
"""


@pytest.mark.parametrize("where", ["tables", "sync", "rename"])
def test_killed_between_two_writes_no_half_version_is_seen(
    versions: DatasetVersions, where: str
) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, where, str(versions.root)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert versions.list() == []
    assert list(versions.root.glob(".v*"))
    made = MadeImages()
    made.add_many(20)
    version = versions.create(made, pipeline())
    assert version.number == 1
    assert len(version.manifest()) == 20
    assert [path.name for path in versions.root.iterdir() if path.is_dir()] == [version.name]


def test_a_renamed_class_gives_its_new_name_to_old_labels(
    versions: DatasetVersions, made: MadeImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    classes = tuple(
        entry.model_copy(update={"name": "dot"} if entry.name == "spot" else {})
        for entry in made.classes(())
    )
    monkeypatch.setattr(made, "classes", lambda declared: classes)
    labels = versions.create(made, pipeline()).manifest()["label"]
    assert set(labels) == {"good", "dot"}


def test_unlabelled_images_are_kept_as_such(versions: DatasetVersions, made: MadeImages) -> None:
    image_id = made.add(None)
    row = versions.create(made, pipeline()).manifest().set_index("image_id").loc[image_id]
    assert row["split"] == "unlabelled"
    assert pd.isna(row["label"])
