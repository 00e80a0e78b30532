"""Files and folders appear complete or not at all."""

import pytest

from vision_assets.vision.atomic import new_folder, write_bytes, write_text


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
