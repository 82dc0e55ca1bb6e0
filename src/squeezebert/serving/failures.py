"""Errors as answers: JSON, typed, on one line, never a trace."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from squeezebert.errors import LONGEST_MESSAGE, SqueezeBertError, bounded
from squeezebert.serving.refusals import QueueFullError, RefusedError

KINDS: Mapping[int, str] = {
    400: "unreadable_body",
    401: "unauthorized",
    404: "not_found",
    405: "method_not_allowed",
    408: "slow_body",
    413: "too_large",
    429: "queue_full",
    500: "fault",
    503: "not_ready",
}
"""The type of an error that the web framework or the edge raises, by its status."""

MOST_ERRORS = 3
"""Faults of a body that are told at once."""


def failure(
    path: str,
    status: int,
    kind: str,
    message: str,
    *,
    hint: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An error as the asked interface spells it: OpenAI's below ``/v1/``, else Hugging Face's."""
    message, hint = _one_line(message), None if hint is None else _one_line(hint)
    body: dict[str, Any]
    if path.startswith("/v1/"):
        told = message if hint is None else f"{message} (hint: {hint})"
        body = {"error": {"message": told, "type": kind, "param": None, "code": kind}}
    else:
        body = {"error": message, "error_type": kind, "hint": hint}
    return Response(json.dumps(body), status, dict(headers or {}), media_type="application/json")


def refused(request: Request, error: Exception) -> Response:
    """The answer to an error that this package has raised."""
    assert isinstance(error, SqueezeBertError)
    headers: dict[str, str] = {}
    status, kind = 422, "invalid_input"
    if isinstance(error, RefusedError):
        status, kind = error.status, error.kind
    if isinstance(error, QueueFullError):
        headers["Retry-After"] = str(error.retry_after_seconds)
    return failure(request.url.path, status, kind, error.message, hint=error.hint, headers=headers)


def invalid(request: Request, error: Exception) -> Response:
    """The answer to a body or a header of the wrong shape."""
    assert isinstance(error, RequestValidationError)
    errors = error.errors()
    readable = all(one["type"] != "json_invalid" for one in errors)
    status, kind = (422, "invalid_request") if readable else (400, KINDS[400])
    return failure(request.url.path, status, kind, _told(errors))


def framework_error(request: Request, error: Exception) -> Response:
    """The answer where the web framework refuses: no such path, a wrong method, a large body."""
    assert isinstance(error, HTTPException)
    status = error.status_code
    return failure(
        request.url.path,
        status,
        KINDS.get(status, "http_error"),
        str(error.detail),
        hint="GET /models tells what is served, GET /openapi.json what can be asked"
        if status == 404
        else None,
        headers=error.headers,
    )


def _told(errors: Sequence[Mapping[str, Any]]) -> str:
    """Where and what, of the first few; values are not repeated."""
    reasons: dict[str, list[str]] = {}
    for error in errors:
        parts = [str(part) for part in error["loc"][1:] if not _is_branch(part)]
        message = str(error["msg"])
        if error["type"] == "json_invalid":
            parts, message = [], f"not JSON: {error['ctx']['error']} at character {error['loc'][1]}"
        told = reasons.setdefault(".".join(parts) or "the body", [])
        if message not in told:
            told.append(message)
    # Of a union, only the alternative that went furthest is worth telling.
    lines = [
        f"{place}: {' or '.join(told)}"
        for place, told in reasons.items()
        if not any(other.startswith(f"{place}.") for other in reasons)
    ]
    if len(lines) > MOST_ERRORS:
        lines[MOST_ERRORS:] = [f"and {len(lines) - MOST_ERRORS} more"]
    return "; ".join(lines)


def _is_branch(part: object) -> bool:
    """Whether a part of a place names an alternative of a union, which clients know nothing of."""
    return isinstance(part, str) and (part in ("str", "TextPair") or part.startswith("list["))


def _one_line(text: str) -> str:
    return bounded(" ".join(text.split()), LONGEST_MESSAGE)
