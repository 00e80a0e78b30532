"""What a request brings: pictures, and the thresholds it wants to be judged by."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus

from starlette.requests import ClientDisconnect, Request

from vision_assets.vision.inference.decision import PASS_BELOW, REFUSE_FROM
from vision_assets.vision.inference.service.multipart import (
    Malformed,
    Part,
    boundary_of,
    read_parts,
)
from vision_assets.vision.inference.service.refusal import Refusal

THRESHOLDS = (PASS_BELOW, REFUSE_FROM)
_MAX_TEXT_FIELDS = 16
_DISCARD_S = 1.0


@dataclass(frozen=True)
class Form:
    """A request that was read and is well-formed.

    Attributes:
        pictures: encoded, in the order in which they came.
        thresholds: those that the request names; none: the bundle's own.
    """

    pictures: list[bytes]
    thresholds: dict[str, float]


async def read_form(request: Request, field: str, max_pictures: int, max_body_bytes: int) -> Form:
    """Read a multipart request.

    The body is counted while it comes in, so that a longer one is never held.

    Args:
        request: an HTTP request whose body was not read yet.
        field: name of the form field that holds the pictures.
        max_pictures: how many are accepted.
        max_body_bytes: length of the whole body that is accepted.

    Raises:
        Refusal: not multipart, malformed, too long, too many pictures, no picture, or a field
            that is not known.
    """
    content_type = request.headers.get("content-type", "")
    _check_headers(request, content_type, field, max_body_bytes)
    body = await _read_body(request, max_body_bytes)
    try:
        parts = read_parts(body, boundary_of(content_type), max_pictures + _MAX_TEXT_FIELDS + 1)
    except Malformed as error:
        raise Refusal(
            HTTPStatus.BAD_REQUEST, "malformed_multipart", f"expected {error}; send it again"
        ) from error
    named = [*request.query_params.multi_items(), *_texts(parts, field)]
    return Form(_pictures(parts, field, max_pictures), _requested(named))


def chosen_thresholds(
    own: Mapping[str, float], requested: Mapping[str, float]
) -> Mapping[str, float]:
    """The thresholds that a request is decided by: its own over those of the bundle.

    Raises:
        Refusal: one is missing, or they are in the wrong order.
    """
    if not requested:
        return own
    chosen = {**own, **requested}
    missing = [name for name in THRESHOLDS if name not in chosen]
    if missing:
        raise _wrong_thresholds(f"{missing[0]} too: the bundle has no thresholds of its own")
    if chosen[PASS_BELOW] > chosen[REFUSE_FROM]:
        raise _wrong_thresholds(
            f"{PASS_BELOW} <= {REFUSE_FROM}, got {chosen[PASS_BELOW]:g} and "
            f"{chosen[REFUSE_FROM]:g}; what a request leaves out is the bundle's"
        )
    return chosen


def _check_headers(request: Request, content_type: str, field: str, max_body_bytes: int) -> None:
    if content_type.split(";")[0].strip().lower() != "multipart/form-data":
        raise Refusal(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "not_multipart",
            f"expected multipart/form-data with a file in the field {field!r}, got "
            f"{content_type[:100] or 'no content type'!r}; with curl: -F {field}=@picture.jpg",
        )
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > max_body_bytes:
        raise _too_large(max_body_bytes, f"{length} bytes")


async def _read_body(request: Request, max_body_bytes: int) -> bytes:
    body, chunks = bytearray(), request.stream()
    try:
        async for chunk in chunks:
            body += chunk
            if len(body) > max_body_bytes:
                await _discard(chunks, max_body_bytes)
                raise _too_large(max_body_bytes, "more")
    except ClientDisconnect:
        raise Refusal(
            HTTPStatus.BAD_REQUEST, "disconnected", "the connection closed before the body ended"
        ) from None
    return bytes(body)


async def _discard(chunks: AsyncIterator[bytes], max_bytes: int) -> None:
    """Take what is still coming, in bounds: bytes that are left unread reset the connection, and
    the client would not see why.
    """
    taken = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(_DISCARD_S):
            async for chunk in chunks:
                taken += len(chunk)
                if taken > max_bytes:
                    return


def _too_large(max_body_bytes: int, got: str) -> Refusal:
    return Refusal(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "body_too_large",
        f"expected a body of at most {max_body_bytes} bytes, got {got}; "
        "send a smaller picture or raise service.max_body_bytes",
    )


def _pictures(parts: list[Part], field: str, max_pictures: int) -> list[bytes]:
    found = [part for part in parts if part.name == field]
    if not found:
        names = ", ".join(sorted({repr(part.name) for part in parts})) or "no field"
        raise Refusal(
            HTTPStatus.BAD_REQUEST,
            "missing_field",
            f"expected a file in the field {field!r}, got {names[:200]}",
        )
    if len(found) > max_pictures:
        raise Refusal(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "too_many_pictures",
            f"expected at most {max_pictures} in the field {field!r}, got {len(found)}; "
            "send the others in a request of their own",
        )
    if not all(part.is_file for part in found):
        raise Refusal(
            HTTPStatus.BAD_REQUEST,
            "not_a_file",
            f"expected a file in the field {field!r}, got text; with curl: -F {field}=@picture.jpg",
        )
    return [part.data for part in found]


def _texts(parts: list[Part], field: str) -> list[tuple[str, str]]:
    return [(part.name, part.data.decode(errors="replace")) for part in parts if part.name != field]


def _requested(named: Iterable[tuple[str, str]]) -> dict[str, float]:
    requested: dict[str, float] = {}
    for name, value in named:
        if name not in THRESHOLDS:
            raise Refusal(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "unknown_field",
                f"expected {' or '.join(THRESHOLDS)} beside the pictures, got {name[:100]!r}",
            )
        if name in requested:
            raise _wrong_thresholds(f"{name} once, got it twice")
        requested[name] = _probability(name, value)
    return requested


def _probability(name: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not 0 <= number <= 1:
        raise _wrong_thresholds(f"{name} to be a number from 0 to 1, got {value[:100]!r}")
    return number


def _wrong_thresholds(expected: str) -> Refusal:
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "wrong_thresholds", f"expected {expected}")
