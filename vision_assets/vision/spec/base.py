"""What all specs have in common."""

from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0, le=1)]


def _leads_nowhere_else(path: str | None) -> str | None:
    if path is not None and ".." in PurePosixPath(path.removeprefix("file:")).parts:
        raise ValueError(
            f"expected a path inside the home, or an absolute one, got {path!r}; drop the .."
        )
    return path


HomePath = Annotated[str, AfterValidator(_leads_nowhere_else)]
"""A path as YAML says it: absolute, or relative to the home and inside of it."""
MaybeHomePath = Annotated[str | None, AfterValidator(_leads_nowhere_else)]
"""One that may be left out."""


class Spec(BaseModel):
    """Base of all specs: immutable, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)
