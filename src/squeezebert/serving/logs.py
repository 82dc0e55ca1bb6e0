"""The log of a server: a JSON object a line on standard error, and no text of anybody in it.

Messages of errors can quote what a client sent. So refusals are logged by their type, and a fault
by the kind of its exception and the places that it went through.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

LOGGER = logging.getLogger("squeezebert.serving")


def event(level: int, name: str, **fields: Any) -> None:
    """Logs that something has happened, with what is worth knowing of it."""
    LOGGER.log(level, name, extra={"fields": fields})


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON.

    >>> record = logging.LogRecord("a", logging.INFO, "", 0, "listening", None, None)
    >>> json.loads(JsonFormatter().format(record))["event"]
    'listening'
    """

    def format(self, record: logging.LogRecord) -> str:
        """See :class:`logging.Formatter`."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["fault"] = fault(record.exc_info[1])
        return json.dumps(line)


def fault(error: BaseException) -> dict[str, Any]:
    """An exception without its message: its kind, and where it came from."""
    return {
        "kind": type(error).__name__,
        "where": [
            f"{frame.filename}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)
        ],
    }


def log_as_json() -> None:
    """Sends this server's log, and uvicorn's, to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    for logger, level in (
        (LOGGER, logging.INFO),
        # What uvicorn says below a warning is said by this server's own events.
        (logging.getLogger("uvicorn.error"), logging.WARNING),
    ):
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(level)
