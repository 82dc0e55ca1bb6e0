"""How far a job got, on disk: a killed one goes on where it was, and says no to another job.

Beside ``out.csv`` stands the directory ``out.csv.partial`` until the job is done:

=================  ================================================================================
``job.json``       what is being done: the model, the input's files, the choices
``journal.jsonl``  a line for each piece that the disk has: rows read and written, and how far
                   ``rows.*`` and ``bad.jsonl`` reach
``rows.csv``, …    the output so far; of Parquet the folder ``parts``
``bad.jsonl``      the rows that were left out, with the reason
``.lock``          held by the process that writes
=================  ================================================================================
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any, cast

import filelock

from squeezebert.errors import CheckpointError, InvalidInputError
from squeezebert.files import sync, write_text, writing
from squeezebert.locking import take
from squeezebert.predicting.finding import PARTIAL
from squeezebert.predicting.gold import Agreement

_JOB, _JOURNAL, _BAD, _LOCK = "job.json", "journal.jsonl", "bad.jsonl", ".lock"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A place in a job.

    Args:
        rows: Rows of the input that were read, blank and bad ones included.
        digest: Of those rows, in hexadecimal.
        written: Rows of the output.
        blank: Those among them without a text.
        bad: Rows that were left out.
        foreign: Rows in a language that the model was not made for.
        agreement: Their answers beside the labels that they have.
        mark: How far the output reaches; see :class:`squeezebert.predicting.outputs.Output`.
        bad_bytes: How far ``bad.jsonl`` reaches.
        done: Whether the output is whole and only its name is to be given.
    """

    rows: int = 0
    digest: str = ""
    written: int = 0
    blank: int = 0
    bad: int = 0
    foreign: int = 0
    agreement: Agreement = field(default_factory=Agreement)
    mark: int = 0
    bad_bytes: int = 0
    done: bool = False

    @property
    def left_out(self) -> int:
        """Rows without a text that are not written."""
        return self.rows - self.written - self.bad

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Progress:
        """What :func:`dataclasses.asdict` made plain.

        Raises:
            KeyError, TypeError: something else.
        """
        plain = {name: value for name, value in values.items() if name != "agreement"}
        return cls(**plain, agreement=Agreement(**values["agreement"]))


class Partial:
    """The directory of a job; see :func:`open_partial`.

    Args:
        output: What the job is to write.
        directory: Beside it.
        progress: Where the job stands.
    """

    def __init__(self, output: Path, directory: Path, progress: Progress) -> None:
        self.output = output
        self.directory = directory
        self.progress = progress
        self._journal: IO[bytes] | None = None
        self._bad: IO[bytes] | None = None

    @property
    def report(self) -> Path:
        """Where the rows that were left out are told in the end."""
        return self.output.with_name(f"{self.output.stem}.bad.jsonl")

    def leave_out(self, where: str, reason: str) -> None:
        """Notes a row that is not written."""
        if self._bad is None:
            self._bad = (self.directory / _BAD).open("ab")
        self._bad.write(bad_line(where, reason))

    def leave_out_as(self, parts: Iterable[Path]) -> None:
        """Notes the rows that others left out, by files of theirs; none was noted here before."""
        self._bad = (self.directory / _BAD).open("wb")
        for part in parts:
            self._bad.write(part.read_bytes())

    def record(self, progress: Progress) -> None:
        """Makes a place the one where a killed job goes on. The output must be on the disk up to
        its mark.
        """
        if self._bad is not None:
            self._bad.flush()
            os.fsync(self._bad.fileno())
            progress = replace(progress, bad_bytes=self._bad.tell())
        if self._journal is None:
            self._journal = (self.directory / _JOURNAL).open("ab")
        self._journal.write(json.dumps(asdict(progress)).encode() + b"\n")
        self._journal.flush()
        os.fsync(self._journal.fileno())
        self.progress = progress

    def publish(self, whole: Path, *, report: bool) -> None:
        """Gives the output its name, and removes the directory."""
        self.record(replace(self.progress, done=True))
        self.close()
        bad = self.directory / _BAD
        if report and self.progress.bad and bad.exists():
            bad.replace(self.report)
        sync(whole)
        whole.replace(self.output)
        sync(self.output.parent)
        self.remove()

    def remove(self) -> None:
        """Removes the directory, from its place at once: no kill leaves half of it there."""
        self.close()
        aside = _aside(self.directory)
        shutil.rmtree(aside, ignore_errors=True)
        self.directory.rename(aside)
        shutil.rmtree(aside)

    def close(self) -> None:
        """Closes what is open."""
        for stream in (self._journal, self._bad):
            if stream is not None:
                stream.close()
        self._journal = self._bad = None


def partial_of(output: Path) -> Path:
    """Where a job that is to write ``output`` keeps what it has."""
    return output.with_name(output.name + PARTIAL)


def _aside(directory: Path) -> Path:
    """Where the directory of a job that is done goes to be removed, hidden from whoever lists."""
    return directory.with_name(f".{directory.name}")


def bad_line(where: str, reason: str) -> bytes:
    """A row that is not written, as a line of JSON."""
    file, _, line = where.rpartition(":")
    row = {"file": file, "line": int(line), "reason": reason.removeprefix(where).lstrip(": ")}
    return json.dumps(row, ensure_ascii=False).encode(errors="replace") + b"\n"


@contextmanager
def open_partial(output: Path, job: Mapping[str, Any], *, restart: bool) -> Generator[Partial]:
    """A job's directory: a new one, or that of the same job begun before.

    Args:
        output: What the job is to write.
        job: What it does, as plain values by the names that a message calls them; a job with
            other values is another one.
        restart: Begin anew whatever is there, and replace the output in the end.

    Raises:
        InvalidInputError: the output is there already, another job was begun on it, or another
            process is at work on it.
        CheckpointError: the disk does not take it.
    """
    directory = partial_of(output)
    if output.is_dir():
        raise InvalidInputError(f"{output} is a directory", hint="name a file in it")
    began = (directory / _JOB).exists()
    if output.exists() and not began and not restart:
        raise InvalidInputError(
            f"{output} is there already", hint="name another file, or replace it with --restart"
        )
    with writing(output):
        directory.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(_aside(directory), ignore_errors=True)  # of one killed while it was removed
        with _locked(directory, output):
            if restart or not began:
                (directory / _JOB).unlink(missing_ok=True)  # the rest is no job's from here on
                _clear(directory, keep=(_LOCK,))
                write_text(directory / _JOB, json.dumps(job, ensure_ascii=False, indent=1))
            else:
                _check_same(directory, job)
            partial = Partial(output, directory, _last(directory / _JOURNAL))
            if (directory / _BAD).exists():  # maybe with more than was recorded
                os.truncate(directory / _BAD, partial.progress.bad_bytes)
            try:
                yield partial
            finally:
                partial.close()


@contextmanager
def _locked(directory: Path, output: Path) -> Generator[None]:
    lock = filelock.FileLock(directory / _LOCK)
    if not take(lock, output):
        raise InvalidInputError(
            f"another process is writing {output}", hint="wait, or name another file"
        )
    try:
        yield
    finally:
        lock.release()


def _clear(directory: Path, keep: tuple[str, ...]) -> None:
    for path in directory.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in keep:
            path.unlink()


def _check_same(directory: Path, job: Mapping[str, Any]) -> None:
    try:
        begun = cast("dict[str, Any]", json.loads((directory / _JOB).read_bytes()))
    except (ValueError, OSError):
        begun = {}
    asked = json.loads(json.dumps(job))
    for name in {**begun, **asked}:
        if begun.get(name) != asked.get(name):
            raise InvalidInputError(
                f"{directory} was begun with another {name}: "
                f"{_brief(begun.get(name))}, not {_brief(asked.get(name))}",
                hint="go on as it was begun, name another output, or begin anew with --restart",
            )


def _brief(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 100 else f"{text[:100]}…"


def _last(journal: Path) -> Progress:
    """The last line that is whole; what a killed process left behind it is cut off."""
    try:
        data = journal.read_bytes()
    except FileNotFoundError:
        return Progress()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        with journal.open("r+b") as stream:
            stream.truncate(len(whole))
    lines = whole.splitlines()
    if not lines:
        return Progress()
    try:
        return Progress.of(json.loads(lines[-1]))
    except (ValueError, TypeError, KeyError) as error:
        raise CheckpointError(
            f"{journal} is damaged: {error}", hint="begin anew with --restart"
        ) from error
