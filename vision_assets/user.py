"""The user of the system, for the record of who did what."""

import getpass
import os


def by_whom() -> str:
    """The user of the system by name, or by number where it knows none, as in a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"
