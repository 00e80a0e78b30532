"""Who asks for a training: one trigger at a time, so that two at once give one training.

The sensor and the schedule look from different threads of the daemon; between the look of one
and its run there is a moment in which the other sees nothing yet.
"""

import json
import time
from pathlib import Path

from vision_assets.home import Home
from vision_assets.vision.atomic import write_text
from vision_assets.vision.file_lock import file_lock
from vision_assets.vision.use_case import UseCase

VALID_S = 120.0
"""A request that no run has come of by then is void."""
_LOCK_WAIT_S = 5.0


def claim(
    home: Home,
    use_case: UseCase,
    who: str,
    last_began_s: float | None = None,
    now_s: float | None = None,
) -> bool:
    """Whether this trigger may ask for a training.

    The same trigger may ask again, as a daemon does that died in between; another one may not
    while the request is young and no training has come of it. What is stored in between is lost
    to none: the training that was asked for makes its dataset version when it begins.

    Args:
        home: where the request is noted.
        use_case: that is to be trained.
        who: the trigger.
        last_began_s: when the last training began, seconds since 1970; None: there was none.
        now_s: seconds since 1970; None: now.

    Raises:
        StoreLocked: another process has been at it for seconds.
    """
    at_s = time.time() if now_s is None else now_s
    path = _path(home, use_case)
    with file_lock(path.with_suffix(".lock"), _LOCK_WAIT_S):
        known = _read(path)
        asked_s = known.get("at_s", -VALID_S)
        is_open = abs(at_s - asked_s) < VALID_S and (last_began_s or 0.0) < asked_s
        if is_open and known.get("who") != who:
            return False
        request = {"schema_version": 1, "who": who, "at_s": at_s}
        write_text(path, json.dumps(request))
    return True


def _read(path: Path) -> dict:
    return json.loads(path.read_text()) if path.exists() else {}


def _path(home: Home, use_case: UseCase) -> Path:
    return home.requests(use_case.name) / "training.json"
