"""API keys, one a consumer: optional, compared in constant time, never shown.

    {"line 1": "a key of at least 16 characters", "mes": "sha256:<64 hex digits of its key>"}

The JSON object is the value of VISION_ASSETS_API_KEYS, or in the file that
VISION_ASSETS_API_KEYS_FILE names. Only hashes are kept.
"""

import hashlib
import hmac
import json
import os
import re
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from vision_assets.vision.errors import ServiceError
from vision_assets.vision.inference.service.refusal import Refusal

KEYS_VARIABLE = "VISION_ASSETS_API_KEYS"
KEYS_FILE_VARIABLE = "VISION_ASSETS_API_KEYS_FILE"
KEYS_VARIABLES = (KEYS_VARIABLE, KEYS_FILE_VARIABLE)
OWN_KEY_VARIABLE = "VISION_ASSETS_API_KEY"
"""Where our own commands, as consumers, find the key to send."""
NOBODY = ""
"""The consumer of a service without keys."""
_SHORTEST_KEY = 16
_HASHED = re.compile(r"sha256:([0-9a-fA-F]{64})")

UNAUTHORIZED = Refusal(
    HTTPStatus.UNAUTHORIZED,
    "no_valid_key",
    "expected the key of a consumer in the header `Authorization: Bearer KEY` or `X-API-Key: KEY`; "
    "ask who runs the service for one",
)


class Keys:
    """The keys of the consumers.

    Args:
        digests: SHA-256 of each consumer's key; none: everybody may ask.
    """

    def __init__(self, digests: Mapping[str, bytes]) -> None:
        self._digests = digests

    def consumer(self, headers: Mapping[bytes, bytes]) -> str | None:
        """Who asks; None where no key of a consumer came.

        Every key is compared, whichever it is, so that the time says nothing.

        Args:
            headers: of the request, names in lower case.
        """
        if not self._digests:
            return NOBODY
        presented = hashlib.sha256(_presented(headers)).digest()
        found = [
            name for name, digest in self._digests.items() if hmac.compare_digest(digest, presented)
        ]
        return found[0] if found else None


def own_key() -> dict[str, str]:
    """The header that our own commands send, if the environment has a key for them."""
    key = os.environ.get(OWN_KEY_VARIABLE)
    return {"authorization": f"Bearer {key}"} if key else {}


def load_keys() -> Keys:
    """The keys that the environment names; a variable without a value names none.

    Raises:
        ServiceError: the file cannot be read, or what was named is not what it should be, or
            empty; no key is shown.
    """
    file, text = os.environ.get(KEYS_FILE_VARIABLE), os.environ.get(KEYS_VARIABLE)
    if file:
        return Keys(_digests(_read(Path(file)), file))
    return Keys(_digests(text, KEYS_VARIABLE) if text else {})


def _presented(headers: Mapping[bytes, bytes]) -> bytes:
    scheme, _, key = headers.get(b"authorization", b"").partition(b" ")
    return key.strip() if scheme.lower() == b"bearer" else headers.get(b"x-api-key", b"")


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ServiceError(
            f"the API keys cannot be read from {path} ({type(error).__name__}); correct "
            f"{KEYS_FILE_VARIABLE}, or unset it for a service without keys"
        ) from None


def _digests(text: str, place: str) -> dict[str, bytes]:
    """The digests by consumer; errors are raised without their cause, which would show keys."""
    try:
        said: Any = json.loads(text)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise ServiceError(f"{place} must hold a JSON object of consumer to key; correct it")
    if not said:
        raise ServiceError(
            f"{place} holds no key; add one, or name no keys at all for a service "
            "that everybody may ask"
        )
    return {consumer: _digest(consumer, key, place) for consumer, key in said.items()}


def _digest(consumer: str, key: Any, place: str) -> bytes:
    hashed = _HASHED.fullmatch(key) if isinstance(key, str) else None
    if hashed:
        return bytes.fromhex(hashed[1])
    if not isinstance(key, str) or len(key) < _SHORTEST_KEY:
        raise ServiceError(
            f"{place}: the key of {consumer!r} must be a text of at least {_SHORTEST_KEY} "
            "characters, or sha256: and 64 hex digits"
        )
    return hashlib.sha256(key.encode()).digest()
