"""Reading the picture out of a multipart request, within bounds and in memory."""

from collections.abc import AsyncGenerator
from http import HTTPStatus

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from vision_assets.vision.inference.service.refusal import Refusal

_MAX_TEXT_FIELDS = 16
_MAX_TEXT_FIELD_BYTES = 64 * 1024


class _InMemoryParser(MultiPartParser):
    """Keeps the file in memory: the body is bounded, and a disk detour costs more."""

    spool_max_size = 2**40


async def read_upload(request: Request, field: str, max_body_bytes: int) -> bytes:
    """Read the file in one field of a multipart request.

    The body is counted while it comes in, so that a longer one is never held.

    Args:
        request: an HTTP request whose body was not read yet.
        field: name of the form field that holds the file.
        max_body_bytes: length of the whole body that is accepted.

    Returns:
        The bytes of the file.

    Raises:
        Refusal: not multipart, malformed, too long, or the field is not one file.
    """
    _check_headers(request, field, max_body_bytes)
    stream = _counted(request, max_body_bytes)
    parser = _InMemoryParser(
        request.headers,
        stream,
        max_files=2,
        max_fields=_MAX_TEXT_FIELDS,
        max_part_size=_MAX_TEXT_FIELD_BYTES,
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise Refusal(
            HTTPStatus.BAD_REQUEST,
            "malformed_multipart",
            f"expected a well-formed multipart body, got: {error.message}",
        ) from error
    except ClientDisconnect:
        raise Refusal(
            HTTPStatus.BAD_REQUEST, "disconnected", "the connection closed before the body ended"
        ) from None
    try:
        return await _file(form, field)
    finally:
        await form.close()


def _check_headers(request: Request, field: str, max_body_bytes: int) -> None:
    content_type = request.headers.get("content-type", "")
    if content_type.split(";")[0].strip().lower() != "multipart/form-data":
        raise Refusal(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "not_multipart",
            f"expected multipart/form-data with a file in the field {field!r}, got "
            f"{content_type or 'no content type'!r}; with curl: -F {field}=@picture.jpg",
        )
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > max_body_bytes:
        raise _too_large(max_body_bytes, f"{length} bytes")


async def _counted(request: Request, max_body_bytes: int) -> AsyncGenerator[bytes, None]:
    n_bytes = 0
    async for chunk in request.stream():
        n_bytes += len(chunk)
        if n_bytes > max_body_bytes:
            raise _too_large(max_body_bytes, "more")
        yield chunk


def _too_large(max_body_bytes: int, got: str) -> Refusal:
    return Refusal(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "body_too_large",
        f"expected a body of at most {max_body_bytes} bytes, got {got}; "
        "send a smaller picture or raise service.max_body_bytes",
    )


async def _file(form: FormData, field: str) -> bytes:
    values = form.getlist(field)
    if not values:
        names = ", ".join(sorted(map(repr, form.keys()))) or "no field"
        raise Refusal(
            HTTPStatus.BAD_REQUEST,
            "missing_field",
            f"expected a file in the field {field!r}, got {names[:200]}",
        )
    if len(values) > 1:
        raise Refusal(
            HTTPStatus.BAD_REQUEST,
            "more_than_one_file",
            f"expected one file in the field {field!r}, got {len(values)}; send one a request",
        )
    if not isinstance(values[0], UploadFile):
        raise Refusal(
            HTTPStatus.BAD_REQUEST,
            "not_a_file",
            f"expected a file in the field {field!r}, got text; with curl: -F {field}=@picture.jpg",
        )
    return await values[0].read()
