"""Which release wrote a home, and the machine that brings it up to this one."""

import json
from pathlib import Path

import pytest

from vision_assets.vision.errors import HomeVersionError
from vision_assets.vision.migrations.home_version import (
    current_version,
    home_version,
    migrate,
    pending,
    refuse_newer,
    require_current,
)
from vision_assets.vision.migrations.migration import Migration


def renaming(to: int, old: str, new: str, dies_after: int | None = None) -> Migration:
    """A later change: texts move from `*.<old>` to `*.<new>`; it may die after some of them."""

    def todo(home: Path) -> list[Path]:
        return sorted(home.glob(f"*.{old}"))

    def apply(home: Path) -> None:
        for done, path in enumerate(todo(home)):
            if done == dies_after:
                raise KeyboardInterrupt
            path.rename(path.with_suffix(f".{new}"))

    return Migration(to, f"{old} is {new}", lambda home: [path.name for path in todo(home)], apply)


FIRST, SECOND = renaming(2, "a", "b"), renaming(3, "b", "c")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Written by the first release: without a version, with two texts."""
    for name in ("x.a", "y.a"):
        (tmp_path / name).write_text(name)
    return tmp_path


def names(home: Path) -> list[str]:
    return sorted(path.name for path in home.iterdir())


def test_a_home_without_a_version_is_as_old_as_what_it_lacks(home: Path, tmp_path: Path) -> None:
    assert home_version(home, [FIRST, SECOND]) == 1
    assert home_version(tmp_path / "empty", [FIRST, SECOND]) == 3


def test_all_migrations_that_are_lacking_run_in_order(home: Path) -> None:
    done = []
    assert migrate(home, [FIRST, SECOND], lambda step: done.append(step.migration.to)) == 3
    assert done == [2, 3]
    assert names(home) == ["home.json", "x.c", "y.c"]
    assert migrate(home, [FIRST, SECOND]) == 3


def test_a_dry_run_changes_nothing(home: Path) -> None:
    (step, later) = pending(home, [FIRST, SECOND])
    assert (step.todo, later.todo) == (("x.a", "y.a"), ())
    assert names(home) == ["x.a", "y.a"]


def test_one_that_died_in_the_middle_is_completed_by_the_next(home: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        migrate(home, [renaming(2, "a", "b", dies_after=1)])
    assert names(home) == ["x.b", "y.a"]
    assert home_version(home, [FIRST]) == 1
    assert migrate(home, [FIRST]) == 2
    assert names(home) == ["home.json", "x.b", "y.b"]


def test_an_older_home_is_not_written_to(home: Path) -> None:
    with pytest.raises(HomeVersionError, match="vision-assets migrate"):
        require_current(home, [FIRST])
    refuse_newer(home, [FIRST])


def test_a_newer_home_is_refused(home: Path) -> None:
    (home / "home.json").write_text(json.dumps({"schema_version": 99}))
    for refused in (refuse_newer, require_current, migrate, pending):
        with pytest.raises(HomeVersionError, match="use the release that wrote it"):
            refused(home)
    assert names(home) == ["home.json", "x.a", "y.a"]


def test_a_home_of_this_release_gets_its_version(tmp_path: Path) -> None:
    require_current(tmp_path / "not there")
    assert not (tmp_path / "not there").exists()
    require_current(tmp_path)
    assert home_version(tmp_path) == current_version()


def test_a_damaged_version_is_told(home: Path) -> None:
    (home / "home.json").write_text("{")
    with pytest.raises(HomeVersionError, match="damaged"):
        home_version(home)
