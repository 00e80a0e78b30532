"""The code server of Dagster: `dagster dev` starts none again when it has died."""

import os
import time
from contextlib import suppress
from pathlib import Path

from vision_assets.child import Child

LOOK_S = 5.0
WAIT_S = 20.0


class CodeServerWatch:
    """Looks now and then whether Dagster still has the code server that it had.

    Args:
        look_s: seconds between two looks.
        wait_s: for how long Dagster may be without one, as it is while it starts another.
    """

    def __init__(self, look_s: float = LOOK_S, wait_s: float = WAIT_S) -> None:
        self._look_every_s = look_s
        self._wait_s = wait_s
        self._looked_s = 0.0
        self._seen = (0, 0.0)  # of which Dagster one was seen, and when last

    def has_lost_it(self, dagster: Child) -> bool:
        """Whether a Dagster that runs had a code server, and has been without for too long."""
        process, now_s = dagster.process, time.monotonic()
        if process is None or process.returncode is not None:
            return False
        if now_s < self._looked_s + self._look_every_s:
            return False
        self._looked_s = now_s
        if has_code_server(process.pid):
            self._seen = process.pid, now_s
            return False
        seen_in, seen_s = self._seen
        return seen_in == process.pid and now_s > seen_s + self._wait_s


def has_code_server(group: int) -> bool:
    """Whether a code server of Dagster runs in a group of processes; True where none is told."""
    if not Path("/proc/self").exists():
        return True  # not Linux: nothing is known
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(ProcessLookupError, FileNotFoundError, PermissionError):
            is_ours = os.getpgid(int(folder.name)) == group
            if is_ours and b"\0api\0grpc\0" in (folder / "cmdline").read_bytes():
                return True
    return False
