"""Rows of a data set that cannot be used: left out, counted, and told in a file on request."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Literal

from squeezebert.data.messages import OnBad, refuse
from squeezebert.errors import DataError
from squeezebert.files import write_text
from squeezebert.shown import plural

_LOG = logging.getLogger(__name__)

BadRows = Literal["error", "skip", "report"]


class LeftOut:
    """An :data:`~squeezebert.data.messages.OnBad` that goes on, and tells at the end.

    Args:
        path: The file that is read.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._errors: list[DataError] = []

    def __call__(self, error: DataError) -> None:
        """Notes a row."""
        self._errors.append(error)

    def tell(self, *, report: bool) -> None:
        """Logs how many rows there were and what is wrong with the first.

        Args:
            report: Whether all of them are written into ``NAME.bad.jsonl``, here.
        """
        if not self._errors:
            return
        where = f" and told in {self._report()}" if report else ""
        _LOG.warning(
            "%s: %s left out%s; the first: %s",
            self._path,
            plural(len(self._errors), "row"),
            where,
            self._errors[0].message,
        )

    def _report(self) -> Path:
        path = Path(f"{self._path.name.partition('.')[0]}.bad.jsonl")
        write_text(path, "".join(f"{json.dumps(self._row(e))}\n" for e in self._errors))
        return path

    def _row(self, error: DataError) -> dict[str, str | int]:
        line = error.where.rpartition(":")[2]
        number = int(line) if line.isdecimal() else 0
        return {"file": str(self._path), "line": number, "reason": error.reason}


def on_bad(path: str | os.PathLike[str], rows: BadRows) -> OnBad | LeftOut:
    """What to call with the errors of a file's rows."""
    return refuse if rows == "error" else LeftOut(path)
