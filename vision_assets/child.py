"""A server process that is kept running, with its log."""

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from vision_assets.serving.process import end_group

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
STEADY_S = 30.0

Say = Callable[[str], None]


@dataclass
class Child:
    """One server process that is kept running."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    before: Callable[[], None] = lambda: None
    process: subprocess.Popen[bytes] | None = None
    started_s: float = 0.0
    ended_s: float | None = None
    wait_s: float = FIRST_WAIT_S
    _output: IO[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start the process in a group of its own, its output appended to the log."""
        self.before()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._output = self.log.open("ab")
        self.process = subprocess.Popen(  # noqa: S603 (our own command)
            self.command,
            env=os.environ | self.environment,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.started_s, self.ended_s = time.monotonic(), None

    def revive(self, say: Say) -> None:
        """Start the process again when it has ended, after a wait that grows with each end."""
        if self.process is None or self._is_alive(self.process):
            return
        now_s = time.monotonic()
        if self.ended_s is None:
            self.ended_s = now_s
            if now_s - self.started_s > STEADY_S:
                self.wait_s = FIRST_WAIT_S
        if now_s - self.ended_s < self.wait_s:
            return
        # Counted from now on as well, where this start fails.
        self.ended_s, self.wait_s = now_s, min(2 * self.wait_s, LONGEST_WAIT_S)
        say(f"{self.name} ended with {self.process.returncode}; starting it again, see {self.log}")
        self._close_log()
        self.start()

    def _is_alive(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether it runs; the rest of its group is killed when it is found to have ended."""
        known_to_have_ended = process.returncode is not None
        if process.poll() is None:
            return True
        if not known_to_have_ended:
            end_group(process)
        return False

    def signal(self, number: int) -> None:
        """Send a signal to the whole group of the process."""
        if self.process is not None and self._is_alive(self.process):
            os.killpg(self.process.pid, number)

    def join(self, deadline_s: float) -> None:
        """Wait until the process has ended, at most until the deadline; then kill its group."""
        if self.process is not None and self._is_alive(self.process):
            end_group(self.process, max(0.0, deadline_s - time.monotonic()))
        self._close_log()

    def _close_log(self) -> None:
        if self._output is not None:
            self._output.close()
