"""Annotation files as bytes: what is wrong with one, and what is wrong with its disk."""

from pathlib import Path

import pytest

from vision_assets.vision.errors import LandingUnreadable
from vision_assets.vision.formats.annotations.file_text import Unusable, is_there, read_bytes
from vision_assets_tests.nobody import without_rights


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name in ("nothing", "folder", "loop", "x" * 300):
        assert not is_there(tmp_path, name)
        with pytest.raises(Unusable, match="cannot be read"):
            read_bytes(tmp_path, name)


def test_a_file_that_cannot_be_read_now_is_none():
    """Reading the memory of a process at its beginning is an error of I/O, as of a share."""
    with pytest.raises(LandingUnreadable, match=r"Input/output error.*then run it again"):
        read_bytes(Path("/proc/self"), "mem")


def test_a_file_of_which_nobody_can_tell_whether_it_is_there_is_not_left_out(tmp_path: Path):
    (tmp_path / "landing").mkdir(mode=0)
    with without_rights(), pytest.raises(LandingUnreadable, match="give this user the right"):
        is_there(tmp_path / "landing", "a.xml")
