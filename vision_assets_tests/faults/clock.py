"""A wall clock that is stepped for some processes; the test's own goes on. Needs a C compiler."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

_SOURCE = Path(__file__).with_name("wall_clock.c")


class WallClock:
    """A clock that is ahead of this machine's.

    Args:
        folder: takes the library that processes preload, and the file that moves their clock.
        compiler: of C.

    Attributes:
        ahead_s: by how much.
        variables: of the environment of processes that go by it.
    """

    def __init__(self, folder: Path, compiler: str) -> None:
        library, self._file = folder / "wall_clock.so", folder / "wall_clock"
        command = [compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(_SOURCE)]
        subprocess.run(command, check=True)
        self.ahead_s = 0
        self._file.write_bytes(bytes(8))
        self.variables = {"LD_PRELOAD": str(library), "WALL_CLOCK": str(self._file)}

    def step(self, seconds: int) -> None:
        """Set the clock forward, or back where it is negative, for all at once."""
        self.ahead_s += seconds
        with self._file.open("r+b") as file:
            file.write(self.ahead_s.to_bytes(8, sys.byteorder, signed=True))


def wall_clock(folder: Path) -> WallClock | None:
    """One, or None where it cannot be made; continuous integration has to be able to."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        assert os.environ.get("CI") != "true", "expected a C compiler `cc`, on Linux: install gcc"
        return None
    return WallClock(folder, compiler)
