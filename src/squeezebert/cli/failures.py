"""What a machine or another library refuses, in one line each."""

from __future__ import annotations

import errno
import io
import os
import tempfile
import traceback
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

_UNWRITABLE = frozenset({errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EFBIG})

_FOREIGN: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("safetensors", "SafetensorError"): "a weights file cannot be read or written",
        ("pyarrow", "ArrowException"): "a Parquet file cannot be read",
        ("pyo3_runtime", "PanicException"): "the tokenizer library gave up",
        ("torch", "OutOfMemoryError"): "the device has not enough memory",
        ("torch", "AcceleratorError"): "the accelerator failed",
        ("huggingface_hub", "HfHubHTTPError"): "the Hugging Face hub did not answer",
    }
)
"""Errors of libraries that are not imported here, by package and name: what they mean to us."""


class StandardOutput(io.TextIOWrapper):
    """Standard output in UTF-8, as JSON is, whatever the locale. Names of files go out as the bytes
    that they came in. An error of the system's says that it is standard output's.
    """

    NAME = "to standard output"

    @classmethod
    def over(cls, stream: io.TextIOWrapper) -> StandardOutput:
        """In the place of ``stream``, which can no longer be used."""
        line_buffering, write_through = stream.line_buffering, stream.write_through
        return cls(
            stream.detach(),  # pyright: ignore[reportArgumentType] - bytes, as any under a text
            encoding="utf-8",
            errors="surrogateescape",
            line_buffering=line_buffering,
            write_through=write_through,
        )

    def write(self, text: str, /) -> int:
        """As of any text."""
        with self._named():
            return super().write(text)

    def flush(self) -> None:
        """As of any text."""
        with self._named():
            super().flush()

    @contextmanager
    def _named(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            error.filename = self.NAME
            raise


def describe(error: BaseException) -> str | None:
    """One line for a person, or None where the error is a fault of this package.

    >>> describe(IsADirectoryError(21, "Is a directory", "runs"))
    'cannot open runs: Is a directory'
    >>> describe(ZeroDivisionError()) is None
    True
    """
    if isinstance(error, OSError):
        return _system(error)
    if isinstance(error, MemoryError):
        return "not enough memory" + (f": {error}" if str(error) else "")
    if isinstance(error, RecursionError):
        return "something is nested too deeply to be read"
    if isinstance(error, UnicodeError):
        return f"text that is not what its encoding says: {error}"
    if isinstance(error, OverflowError):
        return f"a number is too large: {error}"
    for kind in type(error).__mro__:
        meaning = _FOREIGN.get((kind.__module__.partition(".")[0], kind.__name__))
        if meaning is not None:
            return f"{meaning}: {' '.join(str(error).split())}"
    return None


def _system(error: OSError) -> str:
    reason = error.strerror or str(error) or type(error).__name__
    if error.filename == StandardOutput.NAME:
        return f"cannot write {StandardOutput.NAME}: {reason}"
    if error.filename is not None:
        places = " to ".join(
            os.fsdecode(place) if isinstance(place, (str, bytes)) else str(place)
            for place in (error.filename, error.filename2)
            if place is not None
        )
        return f"cannot {'write' if error.errno in _UNWRITABLE else 'open'} {places}: {reason}"
    return f"cannot {'write' if error.errno in _UNWRITABLE else 'go on'}: {reason}"


def traceback_file(error: BaseException) -> str:
    """Writes down where an error came from; the file's path, or what else holds it."""
    told = "".join(traceback.format_exception(error))
    try:
        with tempfile.NamedTemporaryFile(
            "w",
            prefix="squeezebert-fault-",
            suffix=".txt",
            encoding="utf-8",
            errors="backslashreplace",
            delete=False,
        ) as file:
            file.write(told)
    except OSError:
        return "what `squeezebert -v` shows in the same case"
    return file.name
