"""Paths as texts that every table can hold."""


def as_text(path: str) -> str:
    """A path as valid Unicode: bytes of a name that are not UTF-8 are shown as `\\xff`."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
