"""Answers to requests that cannot be served: a status and a JSON reason."""

from http import HTTPStatus

from vision_assets.vision.errors import ImageRefused, Reason

_TOO_LARGE = (Reason.TOO_MANY_BYTES, Reason.TOO_MANY_PIXELS)


class Refusal(Exception):
    """One request is not served.

    Attributes:
        status: 4xx, or 503 for a service that is busy.
        reason: machine-readable cause.
        detail: what was expected, what came, what to do.
    """

    def __init__(self, status: HTTPStatus, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.status = status
        self.reason = reason
        self.detail = detail

    def body(self) -> dict[str, str]:
        """The JSON body."""
        return {"error": self.status.phrase, "reason": self.reason, "detail": self.detail}


def image_refusal(refused: ImageRefused) -> Refusal:
    """The refusal of a picture that cannot be decoded or is outside the limits."""
    status = (
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        if refused.reason in _TOO_LARGE
        else HTTPStatus.UNPROCESSABLE_ENTITY
    )
    return Refusal(status, refused.reason.value, refused.detail)
