"""Forms as clients write them, and bodies that are none."""

from contextlib import suppress

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_assets.vision.inference.service.multipart import (
    Malformed,
    Part,
    boundary_of,
    read_parts,
)


def written(**arguments) -> tuple[bytes, bytes]:
    """The body and the boundary that httpx writes."""
    request = httpx.Request("POST", "http://x", **arguments)
    return request.read(), boundary_of(request.headers["content-type"])


@given(
    data=st.binary(max_size=300),
    name=st.text(st.characters(codec="utf-8", exclude_characters='"\\%'), min_size=1, max_size=9),
)
def test_what_httpx_writes_is_read_back(data: bytes, name: str):
    body, boundary = written(files={"image": ("p.png", data)}, data={name.strip() or "n": "0.5"})
    text, picture = read_parts(body, boundary, 9)
    assert picture == Part("image", True, data)
    assert (text.is_file, text.data) == (False, b"0.5")


@given(body=st.binary(max_size=200), boundary=st.sampled_from([b"b", b"--"]))
def test_any_bytes_are_parts_or_malformed(body: bytes, boundary: bytes):
    with suppress(Malformed):
        assert all(isinstance(part, Part) for part in read_parts(body, boundary, 4))


def test_what_comes_before_and_after_is_left_out():
    body = b"hi\r\n--b \r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--b--\r\nbye"
    assert read_parts(body, b"b", 4) == [Part("a", False, b"x")]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "cut off"),
        (b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx', "cut off"),
        (b"--b\r\nno header\r\n\r\nx\r\n--b--", "with a name"),
        (b'--b\r\nContent-Disposition: form-data; name="a"\r\n--b--', "empty line"),
        (b"--b\r\n" + b"x" * 9000 + b"\r\n\r\nx\r\n--b--", "at most 8192 bytes"),
        (b"--b\r\n\r\n" * 9 + b"--b--", "at most 4 parts"),
    ],
)
def test_a_body_that_is_no_form_says_what_is_missing(body: bytes, why: str):
    with pytest.raises(Malformed, match=why):
        read_parts(body, b"b", 4)


@pytest.mark.parametrize("given", ["", "; boundary=", "; boundary=" + "x" * 201])
def test_a_boundary_is_needed(given: str):
    with pytest.raises(Malformed, match="boundary"):
        boundary_of("multipart/form-data" + given)


def test_a_quoted_boundary_is_read():
    assert boundary_of('multipart/form-data; charset=utf-8; boundary="a b"') == b"a b"
