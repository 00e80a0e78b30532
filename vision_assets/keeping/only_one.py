"""One set of servers for a home, and none while the home is restored or migrated."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vision_assets.vision.errors import ServiceError, StoreLocked
from vision_assets.vision.file_lock import file_lock

UP_LOCK = "up.lock"
_WAIT_S = 5.0


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Be the one that runs the servers of a home, or that changes it under none.

    Two daemons of one home would start runs twice, and mark each other's as failed; a home that
    is replaced under its servers would be written in two places.

    Raises:
        ServiceError: another process is.
    """
    try:
        with file_lock(home / UP_LOCK, _WAIT_S):
            yield
    except StoreLocked as error:
        raise ServiceError(
            f"the servers of {home} run already ({error}), or it is restored or migrated; look at "
            "them, or stop that process first"
        ) from None
