"""A whole job: the rows of files, with predictions, as one file."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from squeezebert.checkpoint.hub import resolve
from squeezebert.data.bad_rows import BadRows
from squeezebert.data.tables import EmptyText
from squeezebert.errors import DataError, SqueezeBertError
from squeezebert.pipeline import Pipeline
from squeezebert.predicting.answering import Answered, Answering
from squeezebert.predicting.columns import Appended
from squeezebert.predicting.examples import Rows
from squeezebert.predicting.gold import Gold
from squeezebert.predicting.items import Item
from squeezebert.predicting.outputs import Output, Pair, open_output, output_format
from squeezebert.predicting.partial import Partial, Progress, open_partial


@dataclass(frozen=True, kw_only=True)
class State:
    """How a job stands, for a person.

    Args:
        progress: What the disk has.
        before: Rows that an earlier run had read.
        read: The share of the input that was read, 0 to 1; 0 where nobody can tell.
        read_before: The same when this run's first row was asked for.
        seconds: Since this run's first row was asked for.
    """

    progress: Progress
    before: int
    read: float
    read_before: float
    seconds: float

    @property
    def rows_per_second(self) -> float:
        """Of this run."""
        return (self.progress.rows - self.before) / max(self.seconds, 1e-9)


@dataclass(frozen=True, kw_only=True)
class Job:
    """Predictions for the rows of files, written as one file.

    The output appears under its name only when it is whole. A job that was killed goes on when it
    is run again: it reads the rows that are answered once more without asking the model, and
    refuses to go on where these are not what they were, or where the model or the choices differ.
    What follows them in the input may have changed.

    Args:
        pipeline: The model.
        directory: Where it lies; its files tell another model from this one.
        inputs: What is read.
        output: A file, ``.csv``, ``.tsv``, ``.jsonl`` or ``.parquet``.
        appended: The columns that predictions make.
        choices: What was chosen of the predictions, as plain values; a job with others is another.
        gold: The labels that the rows have, which answers are compared with.
        empty: What becomes of rows without a text; see
            :class:`~squeezebert.predicting.answering.Answering`.
        bad_rows: ``error`` stops at a row that cannot be answered; ``skip`` leaves it out;
            ``report`` leaves it out and tells it in ``NAME.bad.jsonl`` beside the output.
        language: Tells the language of a text.
        restart: Begin anew whatever is there, and replace the output in the end.
    """

    pipeline: Pipeline[Any]
    directory: Path
    inputs: Rows
    output: Path
    appended: Appended
    choices: dict[str, Any]
    gold: Gold | None = None
    empty: EmptyText = "keep"
    bad_rows: BadRows = "error"
    language: Callable[[str], str] | None = None
    restart: bool = False

    def run(self, tell: Callable[[State], None] | None = None) -> State:
        """Does it, or what is left of it.

        Args:
            tell: Is told after each piece.

        Raises:
            DataError: rows that cannot be read, or ones that are not what they were.
            InvalidInputError: the output is there already, or another job was begun on it.
            CheckpointError: the disk does not take it.
        """
        output_format(self.output)
        self.appended.check_free(self.inputs.columns, self.inputs.name)
        with open_partial(self.output, self.described(), restart=self.restart) as partial:
            if partial.progress.done and not unpublished(partial):
                progress = partial.progress
                partial.remove()
                return State(
                    progress=progress, before=progress.rows, read=1.0, read_before=1.0, seconds=0.0
                )
            output = open_output(self.output, partial.directory, self.inputs, self.appended.columns)
            try:
                return self._write(partial, output, tell)
            finally:
                output.close()

    def _write(
        self, partial: Partial, output: Output, tell: Callable[[State], None] | None
    ) -> State:
        before = partial.progress
        items = self.inputs.items(whole=self.whole)
        _skip(items, before, self.inputs.name)
        output.open(before.mark)
        start, skipped = time.perf_counter(), self.inputs.read

        def state(read: float) -> State:
            return State(
                progress=partial.progress,
                before=before.rows,
                read=read,
                read_before=skipped,
                seconds=time.perf_counter() - start,
            )

        for chunk in self.answering(output).chunks(items):
            mark = output.write(self.rows(chunk))
            for item, error in chunk.bad:
                partial.leave_out(item.where, error.message)
            if chunk.items:
                partial.record(self.counted(partial.progress, chunk, mark))
            if chunk.error is not None:
                raise chunk.error
            if tell is not None:
                tell(state(chunk.read))
        partial.publish(output.finish(), report=self.bad_rows == "report")
        return state(1.0)

    @property
    def whole(self) -> bool:
        """Whether all columns are read. Parquet in, Parquet out: the others stay Arrow's."""
        return output_format(self.output) != "parquet"

    def answering(self, output: Output) -> Answering:
        """What answers the rows that ``output`` is to hold."""
        return Answering(
            self.pipeline,
            self.inputs,
            bad_rows=self.bad_rows,
            empty=self.empty,
            language=self.language,
            refusal=lambda item: self._refusal(item) or output.refusal(item),
        )

    def rows(self, chunk: Answered) -> list[Pair]:
        """What is written of a chunk."""
        return [
            (item, self.appended.cells(answer, language))
            for item, _, answer, language in chunk.good
        ]

    def _refusal(self, item: Item) -> SqueezeBertError | None:
        """A label that cannot be read; of JSON Lines any row may bring a field of a new name, which
        may be taken.
        """
        wrong = None if self.gold is None else self.gold.refusal(item)
        if wrong is not None:
            return wrong
        if self.inputs.format == "jsonl" and item.row is not None:
            try:
                self.appended.check_free([*item.row], item.where)
            except SqueezeBertError as error:
                return error
        return None

    def counted(self, progress: Progress, chunk: Answered, mark: int) -> Progress:
        """``progress`` with a chunk more, whose rows end at ``mark`` of the output."""
        known = self.pipeline.task.spec.languages
        agreement = progress.agreement
        if self.gold is not None:
            for item, _, answer, _ in chunk.good:
                agreement += self.gold.agreement(item, answer)
        return Progress(
            rows=progress.rows + len(chunk.items),
            digest=digest_rows(progress.digest, chunk.items),
            written=progress.written + len(chunk.good),
            blank=progress.blank + sum(answer is None for _, _, answer, _ in chunk.good),
            bad=progress.bad + len(chunk.bad),
            foreign=progress.foreign
            + sum(language not in (None, "", *known) for *_, language in chunk.good),
            agreement=agreement,
            mark=mark,
            bad_bytes=progress.bad_bytes,
        )

    def described(self) -> dict[str, Any]:
        """What is done, as plain values by the names that a message calls them."""
        inputs = self.inputs
        return {
            "model": fingerprint(self.directory),
            "precision": f"{self.pipeline.backend.name} in {self.pipeline.backend.precision}",
            "input": [str(file) for file in inputs.files] or "stdin",
            "format": inputs.format,
            "encoding": inputs.encoding,
            "dialect": None if inputs.dialect is None else [*vars(inputs.dialect).values()],
            "text column": inputs.text,
            "pair column": inputs.pair,
            "column of labels": None if self.gold is None else self.gold.column,
            "label map": None if self.gold is None else dict(self.gold.label_map),
            "choice for empty texts": self.empty,
            "set of columns": [column.name for column in self.appended.columns],
            "choice of predictions": self.choices,
        }


def unpublished(partial: Partial) -> bool:
    """Whether a job that is done has not given its output its name yet."""
    return any(partial.directory.glob("rows.*")) or (partial.directory / "parts").is_dir()


def _skip(items: Iterator[Item], done: Progress, name: str) -> None:
    """Reads what is answered already.

    Raises:
        DataError: it is not what it was.
    """
    digest, left = "", done.rows
    while left:
        some: list[Item] = []
        for item in items:
            some.append(item)
            if len(some) == min(left, 1024):
                break
        if not some:
            raise DataError(
                f"{name} has {done.rows - left:,} rows, but {done.rows:,} of it are answered",
                hint="bring the input back as it was, or begin anew with --restart",
            )
        digest = digest_rows(digest, some)
        left -= len(some)
    if digest != done.digest:
        raise DataError(
            f"{name} is not what it was: among its first {done.rows:,} rows, which are answered, "
            "some have changed",
            hint="bring the input back as it was, or begin anew with --restart",
        )


def digest_rows(before: str, items: Iterable[Item]) -> str:
    """Goes on with a digest, row by row, so that no cutting into chunks plays a part.

    Args:
        before: What was found so far; empty at first.
        items: The next rows.
    """
    digest = bytes.fromhex(before)
    for item in items:
        content = repr(item.row) if item.error is None else f"bad {item.where}"
        row = content.encode("utf-8", "surrogatepass")
        digest = hashlib.blake2b(digest + row, digest_size=16).digest()
    return digest.hex()


def fingerprint(model: str | Path) -> str:
    """What tells a model from another: a digest of its files, but for those about it.

    Args:
        model: As for :func:`squeezebert.load`.
    """
    directory = resolve(model)
    whole = hashlib.blake2b(digest_size=16)
    for file in sorted(directory.iterdir()):
        if file.is_file() and file.suffix not in (".md", ".toml") and file.name != "measured.json":
            with file.open("rb") as stream:
                digest = hashlib.file_digest(stream, "blake2b")
            whole.update(f"{file.name} {digest.hexdigest()}\n".encode())
    return whole.hexdigest()
