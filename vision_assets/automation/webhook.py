"""The webhook that is told of failures: where it is, and one POST of JSON to it.

Address and secret come from the environment alone; neither is ever part of a message, a log or
an error.
"""

import hashlib
import hmac
import json
import logging
import os
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from vision_assets.automation.outbox import DeliveryFailed

URL_VARIABLE = "VISION_ASSETS_WEBHOOK_URL"
SECRET_VARIABLE = "VISION_ASSETS_WEBHOOK_SECRET"  # noqa: S105 (the name of a variable)
TIMEOUT_S = 5.0
ID_HEADER = "X-Vision-Assets-Id"
TIME_HEADER = "X-Vision-Assets-Timestamp"
SIGNATURE_HEADER = "X-Vision-Assets-Signature"


@dataclass(frozen=True)
class Webhook:
    """A receiver of messages.

    Attributes:
        url: http or https.
        secret: by which messages are signed; None: they are not.
    """

    url: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)

    @classmethod
    def from_environment(cls) -> "Webhook | None":
        """The one that VISION_ASSETS_WEBHOOK_URL names; None where it names none."""
        url = os.environ.get(URL_VARIABLE)
        return cls(url, os.environ.get(SECRET_VARIABLE) or None) if url else None

    def post(self, message: dict[str, Any]) -> None:
        """Hand a message over.

        Raises:
            DeliveryFailed: it was not taken with a status of 2xx within seconds.
        """
        # httpx logs addresses.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        body = json.dumps(message, ensure_ascii=False).encode()
        try:
            response = httpx.post(
                self.url, content=body, headers=self._headers(message, body), timeout=TIMEOUT_S
            )
        except httpx.TimeoutException:
            raise DeliveryFailed(f"the receiver did not answer within {TIMEOUT_S:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            said = f"the receiver cannot be reached ({type(error).__name__})"
            raise DeliveryFailed(said) from None
        if not response.is_success:
            raise DeliveryFailed(f"the receiver answered {response.status_code}")

    def _headers(self, message: dict[str, Any], body: bytes) -> dict[str, str]:
        stamp = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            ID_HEADER: str(message["id"]),
            TIME_HEADER: stamp,
        }
        if self.secret is not None:
            headers[SIGNATURE_HEADER] = f"sha256={signature(self.secret, stamp, body)}"
        return headers


def signature(secret: str, stamp: str, body: bytes) -> str:
    """HMAC-SHA256 of `<timestamp>.<body>` by the secret, hexadecimal."""
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
