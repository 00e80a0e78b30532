"""Files and folders appear complete or not at all."""

import errno
import os
from pathlib import Path

import pytest

from vision_assets.vision.atomic import is_full, new_folder, synced, write_bytes, write_text


def test_a_file_is_replaced(tmp_path):
    write_text(tmp_path / "deep" / "a", "one")
    write_bytes(tmp_path / "deep" / "a", b"two")
    assert (tmp_path / "deep" / "a").read_bytes() == b"two"


def test_a_write_that_fails_leaves_what_was_there(tmp_path):
    write_text(tmp_path / "a", "one")
    with pytest.raises(TypeError):
        write_bytes(tmp_path / "a", "not bytes")  # pyright: ignore[reportArgumentType]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "one"


def test_a_folder_is_not_seen_before_it_is_complete(tmp_path):
    with new_folder(tmp_path / "f") as folder:
        (folder / "x").write_text("1")
        assert not (tmp_path / "f").exists()
    assert (tmp_path / "f" / "x").read_text() == "1"


def test_a_folder_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), new_folder(tmp_path / "f"):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_stays(tmp_path):
    with new_folder(tmp_path / "f") as folder:
        (folder / "x").write_text("first")
    with new_folder(tmp_path / "f") as folder:
        (folder / "x").write_text("second")
    assert (tmp_path / "f" / "x").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_a_damaged_folder_is_replaced_by_a_whole_one(tmp_path):
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "x").write_text("half")
    with new_folder(tmp_path / "f", lambda folder: (folder / "x").read_text() == "all") as folder:
        (folder / "x").write_text("all")
    assert (tmp_path / "f" / "x").read_text() == "all"
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), True),
        (OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)), True),
        (OSError("LanceError(IO): No space left on device (os error 28)"), True),
        (OSError("LanceError(IO): Disk quota exceeded (os error 122)"), True),
        (OSError(errno.EIO, os.strerror(errno.EIO)), False),
    ],
)
def test_a_disk_and_a_quota_are_full_by_number_or_in_words(error: OSError, full: bool):
    assert is_full(error) is full


def test_all_of_a_folder_is_on_disk_before_it_appears(tmp_path, monkeypatch):
    seen = []

    def note(descriptor: int) -> None:
        place = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        seen.append((place.name, (tmp_path / "f").exists()))

    monkeypatch.setattr(os, "fsync", note)
    with new_folder(tmp_path / "f") as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "x").write_text("1")
    assert {"x", "deep"} <= {name for name, there in seen if not there}
    assert (tmp_path.name, True) in seen


def test_what_others_write_in_a_folder_is_on_disk_at_the_end(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(os, "fsync", lambda fd: seen.append(os.readlink(f"/proc/self/fd/{fd}")))
    (tmp_path / "old").write_text("1")
    with synced(tmp_path):
        (tmp_path / "new").write_text("1")
    assert str(tmp_path / "new") in seen
    assert str(tmp_path) in seen
    assert str(tmp_path / "old") not in seen
