"""Commands that fail, hang or are not there end as errors of ours."""

import sys
from pathlib import Path

import pytest

from vision_assets import earlier
from vision_assets.command import output_of
from vision_assets.vision.errors import ServiceError, SpecError

SAY = "import sys; print(sys.stdin.read().upper())"
FAIL = "import sys; sys.stdout.buffer.write(b'no \\xff'); sys.exit(3)"


def test_a_command_that_ends_well_gives_what_it_printed() -> None:
    assert output_of([sys.executable, "-c", SAY], 60, ServiceError, input="yes") == "YES\n"


@pytest.mark.parametrize(
    ("command", "timeout_s", "how"),
    [
        ((sys.executable, "-c", FAIL), 60, "ended with 3: no \ufffd"),
        ((sys.executable, "-c", "import sys; sys.exit(1)"), 60, "ended with 1: it said nothing"),
        (("sleep", "60"), 0.05, "was not done within 0.05 s"),
        (("/nowhere/python",), 60, "cannot be started .*No such file"),
    ],
)
def test_one_that_does_not_is_the_error_that_was_asked_for(
    command: tuple[str, ...], timeout_s: float, how: str
) -> None:
    with pytest.raises(ServiceError, match=f"^it {how}"):
        output_of(command, timeout_s, lambda said: ServiceError(f"it {said}"))


def test_a_git_that_hangs_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git = tmp_path / "git"
    git.write_text("#!/bin/sh\nexec sleep 60\n")
    git.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(earlier, "_TIMEOUT_S", 0.2)
    with pytest.raises(SpecError, match="not done within 0.2 s; name a commit"):
        earlier.at_commit(tmp_path, "HEAD")
