"""``squeezebert predict``: texts in, predictions out."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import click

from squeezebert.cli import screen
from squeezebert.cli.options import backend_option, json_option, precision_option, threads_option
from squeezebert.errors import DataError
from squeezebert.shown import on_terminal, shown

if TYPE_CHECKING:
    from rich.text import Text as Line

    from squeezebert.pipeline import Prediction, Text
    from squeezebert.spec import TaskName
    from squeezebert.tasks import FilledMask, TextPrediction


@click.command()
@click.argument("model")
@click.argument("texts", nargs=-1, metavar="[TEXT]...")
@click.option(
    "--file",
    "-f",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="UTF-8, one text a line; empty lines are passed over; - is stdin.",
)
@click.option(
    "--pairs",
    is_flag=True,
    help="Two texts belong together: two after each other here, a tab between them in a file.",
)
@json_option
@backend_option
@precision_option
@threads_option
def predict(
    *,
    model: str,
    texts: tuple[str, ...],
    file: Path | None,
    pairs: bool,
    as_json: bool,
    backend: str,
    precision: str,
    threads: int | None,
) -> None:
    r"""Predict labels, entities or masked words.

    MODEL is a shipped model's name, a model directory or a name on the Hugging Face hub. Texts come
    from the command line, from a file, or from stdin. On a terminal the answers are for a person;
    into a pipe or with --json they are JSON Lines.

    \b
    squeezebert predict squeezebert-mini-news "The striker scored twice."
    squeezebert predict squeezebert-mini-ner --file letters.txt > entities.jsonl
    squeezebert predict runs/entailment --pairs "A man sleeps." "Nobody is awake."
    """
    if texts and file is not None:
        raise click.UsageError("give texts or --file, not both")
    if not texts and file is None and (not sys.stdin or sys.stdin.isatty()):
        raise click.UsageError("no text: give some, or --file, or pipe them in")

    from squeezebert.pipeline import load

    pipeline = load(model, backend=backend, precision=precision, threads=threads)
    if pairs and len(texts) % 2:
        raise click.UsageError(f"--pairs takes an even number of texts, not {len(texts)}")
    given = _Given(_texts(texts, file, pairs=pairs))
    # Answers first: they end at a text that cannot be answered, which is then told.
    answered = zip(
        pipeline.stream(given, place=lambda _: given.place), given.waiting(), strict=False
    )
    task = pipeline.task.name
    if as_json or not on_terminal():
        for answer, text in answered:
            screen.print_json_lines([as_row(text, answer, task)])
        return
    console = screen.results()
    for answer, text in answered:
        for line in as_lines(text, answer, task):
            console.print(line)


class _Given:
    """Texts that are read ahead, to be batched by length, and wait for their answers."""

    def __init__(self, texts: Iterator[tuple[str, Text]]) -> None:
        self._texts = texts
        self._waiting: deque[Text] = deque()
        self.place = ""
        """Of the text that was read last."""

    def __iter__(self) -> Iterator[Text]:
        for place, text in self._texts:
            self.place = place
            self._waiting.append(text)
            yield text

    def waiting(self) -> Iterator[Text]:
        while self._waiting:
            yield self._waiting.popleft()


def _texts(words: Sequence[str], file: Path | None, *, pairs: bool) -> Iterator[tuple[str, Text]]:
    """What is to be answered, from the command line, else from the file or stdin; each after its
    place.
    """
    if not words:
        for place, line in _lines(file):
            yield place, _split_pair(line, place) if pairs else line
        return
    texts = zip(words[::2], words[1::2], strict=True) if pairs else words
    for number, text in enumerate(texts, start=1):
        yield f"{'pair' if pairs else 'text'} {number}", text


def _split_pair(line: str, place: str) -> tuple[str, str]:
    first, tab, second = line.partition("\t")
    if not tab or "\t" in second:
        raise DataError(
            f"{place}: {line.count(chr(9))} tabs, expected one",
            hint="with --pairs a line holds two texts and a tab between them",
        )
    return first, second


def _lines(file: Path | None) -> Iterator[tuple[str, str]]:
    """Each line that is not empty, after its place."""
    if file is None or str(file) == "-":
        yield from _decode(sys.stdin.buffer, "stdin")
        return
    with file.open("rb") as stream:
        yield from _decode(stream, str(file))


def _decode(stream: IO[bytes], name: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(stream, start=1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise DataError(
                f"{name}:{number}: not UTF-8: {error.reason} at byte {error.start}",
                hint="convert it, for example with iconv -f latin1 -t utf-8",
            ) from error
        if "\r" in text:
            raise DataError(
                f"{name}:{number}: a lone carriage return (character {text.index(chr(13)) + 1} of "
                "the line), expected lines that end in LF or CR LF",
                hint="the file has the line ends of old Macs, or is damaged; for the first convert "
                "it, for example with tr '\\r' '\\n'",
            )
        if text.strip():
            yield f"{name}:{number}", text


def as_row(text: Text, answer: Prediction, task: TaskName) -> dict[str, Any]:
    """A prediction as a JSON object: the text (and its ``pair``) and what was found, by task.

    ``{"label", "score", "scores"}``, ``{"labels", "scores"}`` or ``{"value"}``, and how many
    ``truncated_tokens`` were not read, for text classification;
    ``{"entities": [{"text", "type", "start", "end", "score"}]}`` for token classification;
    ``{"masks": [{"start", "end", "candidates": [{"token", "score", "text"}]}]}`` for a masked LM.
    """
    given = {"text": text} if isinstance(text, str) else {"text": text[0], "pair": text[1]}
    if not isinstance(answer, tuple):
        return {**given, **_text_row(answer)}
    if task == "token_classification":
        return {**given, "entities": [asdict(entity) for entity in answer]}
    masks = [
        {
            "start": gap.start,
            "end": gap.end,
            "candidates": [
                {"token": guess.token, "score": guess.score, "text": guess.text}
                for guess in gap.candidates
            ],
        }
        for gap in cast("tuple[FilledMask, ...]", answer)
    ]
    return {**given, "masks": masks}


def _text_row(answer: TextPrediction) -> dict[str, Any]:
    from squeezebert.tasks import MultiClassification, Regression

    cut = answer.truncated_tokens
    if isinstance(answer, Regression):
        return {"value": answer.value, "truncated_tokens": cut}
    scores = dict(answer.probabilities)
    if isinstance(answer, MultiClassification):
        return {"labels": list(answer.labels), "scores": scores, "truncated_tokens": cut}
    return {
        "label": answer.label,
        "score": answer.score,
        "scores": scores,
        "truncated_tokens": cut,
    }


def as_lines(text: Text, answer: Prediction, task: TaskName) -> Iterator[Line]:
    """A prediction for a person: the text, then what was found, indented."""
    from rich.text import Text as Line

    def found(name: str, score: float | None, rest: str = "") -> Line:
        line = Line("  ").append(shown(name), style="bold")
        line.append("" if score is None else f"  {score:.2f}", style="cyan")
        return line.append(f"  {shown(rest)}" if rest else "")

    yield Line(shown(text if isinstance(text, str) else " ‖ ".join(text)))
    row = as_row(text, answer, task)
    if "label" in row:
        yield found(row["label"], row["score"])
    elif "labels" in row:
        for label in row["labels"]:
            yield found(label, row["scores"][label])
    elif "value" in row:
        yield found(f"{row['value']:.3f}", None)
    if row.get("truncated_tokens"):
        yield Line(f"  not read: the last {row['truncated_tokens']} tokens", style="dim")
    for entity in row.get("entities", ()):
        rest = f"{entity['text']}  ({entity['start']}-{entity['end']})"
        yield found(entity["type"], entity["score"], rest)
    for mask in row.get("masks", ()):
        for guess in mask["candidates"]:
            yield found(guess["token"], guess["score"], guess["text"])
