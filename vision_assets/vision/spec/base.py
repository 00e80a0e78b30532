"""What all specs have in common."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails

from vision_assets.vision.spec.names import choice

Fraction = Annotated[float, Field(ge=0, le=1)]


def _leads_nowhere_else(path: str | None) -> str | None:
    if path is not None and "\0" in path:
        raise ValueError(f"expected a path, got {path!r}; drop the \\0")
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

    @model_validator(mode="before")
    @classmethod
    def _keys_are_known(cls, said: Any) -> Any:
        keys = said if isinstance(said, dict) else ()
        if unknown := [key for key in keys if key not in cls.model_fields]:
            raise wrong_fields(
                {(str(key),): f"expected {choice(str(key), cls.model_fields)}" for key in unknown}
            )
        return said


def wrong_fields(told: Mapping[tuple[str | int, ...], str]) -> ValidationError:
    """What a validator raises that knows the fields which are wrong, below what it validates."""
    return ValidationError.from_exception_data(
        "wrong fields",
        [
            InitErrorDetails(
                type="value_error", loc=field, input=None, ctx={"error": ValueError(what)}
            )
            for field, what in told.items()
        ],
    )
