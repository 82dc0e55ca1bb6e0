"""Why a request gets no answer: each reason with its HTTP status and its type on the wire."""

from __future__ import annotations

from typing import ClassVar

from squeezebert.errors import SqueezeBertError


class RefusedError(SqueezeBertError):
    """A request that is not answered. ``kind`` is the type that clients see."""

    status: ClassVar[int]
    kind: ClassVar[str]


class UnknownModelError(RefusedError):
    """A model that is not served."""

    status = 404
    kind = "unknown_model"


class NotJsonError(RefusedError):
    """A body that says it is something else than JSON, or does not say what it is."""

    status = 415
    kind = "unsupported_media_type"


class TooLargeError(RefusedError):
    """More texts or tokens than a request may have."""

    status = 413
    kind = "too_large"


class UnsupportedParameterError(RefusedError):
    """A parameter that the interface has, but not for this model."""

    status = 422
    kind = "unsupported_parameter"


class QueueFullError(RefusedError):
    """No place in the queue.

    Args:
        message: As for every error.
        retry_after_seconds: When a place is likely.
    """

    status = 429
    kind = "queue_full"

    def __init__(self, message: str, *, retry_after_seconds: int) -> None:
        super().__init__(message, hint=f"try again in {retry_after_seconds} s")
        self.retry_after_seconds = retry_after_seconds


class ClientGoneError(RefusedError):
    """The client closed the connection before it had its answer. Nobody sees the status but the
    log; 499 is what nginx calls it.
    """

    status = 499
    kind = "client_gone"


class ModelFaultError(RefusedError):
    """The model itself failed on an input that was in order."""

    status = 500
    kind = "model_fault"


class DeadlineError(RefusedError):
    """The time of a request ran out before its answer was there."""

    status = 504
    kind = "deadline_exceeded"
