"""A tag for every word, and the entities that the tags spell."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import ClassVar, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from squeezebert.data.examples import TokenExample
from squeezebert.data.messages import shown
from squeezebert.data.words import split_words, with_marks
from squeezebert.errors import ConfigError, DataError, InvalidInputError
from squeezebert.spec import TaskName, TaskSpec
from squeezebert.tasks.base import (
    IGNORE_INDEX,
    Aggregation,
    Choices,
    Features,
    Scores,
    Task,
)
from squeezebert.tasks.decoding import TagDecoder
from squeezebert.tasks.entities import Entities, Entity, WordSpan
from squeezebert.tasks.inputs import (
    check_logits,
    check_single_text,
    check_spec,
    check_text,
    unknown_label,
)
from squeezebert.tasks.metrics import calibration_error, softmax
from squeezebert.tasks.resampling import Tally
from squeezebert.tasks.tag_scores import score_entities, score_words
from squeezebert.tasks.tag_sets import TagSet
from squeezebert.tasks.windows import cut_windows
from squeezebert.tasks.word_answers import WordScores, WordTags
from squeezebert.tokenizer import Tokenizer

Float32 = NDArray[np.float32]
Number = TypeVar("Number", bound=np.generic)


class TokenClassification(Task[TokenExample, WordScores, Entities]):
    """Encodes, decodes and scores token classification (``docs/tasks.md`` defines the scores).

    An input is ``[CLS] tokens [SEP]``. A word is answered for, and trained, at its first token.
    What is longer than ``spec.max_length`` goes in as several overlapping windows; each word is
    decided in the window that shows most of its surroundings, and in that one only. An example
    without words gives no input and no entities.

    Args:
        spec: The labels, of any naming that :mod:`squeezebert.tasks.tag_sets` tells apart, and
            the length.
        tokenizer: The model's.
        overlap: How many tokens neighboring windows share, less than ``max_length - 2``;
            a quarter of the window by default.

    Raises:
        ConfigError: a spec of another task, no labels, a length below 4, or an overlap that does
            not fit.

    >>> tokenizer = Tokenizer.from_vocabulary(
    ...     ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "ada", "##s", "wrote"], lowercase=True
    ... )
    >>> spec = TaskSpec(task="token_classification", labels=("O", "B-PER", "I-PER"), max_length=8)
    >>> task = TokenClassification(spec, tokenizer)
    >>> examples = [TokenExample.from_words(["Adas", "wrote"], ["B-PER", "O"])]
    >>> features = task.encode(examples, with_labels=True)
    >>> features[0].input_ids.tolist(), features[0].labels.tolist()
    ([2, 5, 6, 7, 3], [-100, 1, -100, 0, -100])
    >>> logits = np.eye(3, dtype=np.float32)[[0, 1, 0, 0, 0]]
    >>> entity = task.predict(examples, features, [task.reduce(features[0], logits)])[0][0]
    >>> entity.text, entity.type, entity.start, entity.end
    ('Adas', 'PER', 0, 4)
    """

    name: ClassVar[TaskName] = "token_classification"
    choices: ClassVar[tuple[str, ...]] = ("threshold", "aggregation")

    def __init__(self, spec: TaskSpec, tokenizer: Tokenizer, *, overlap: int | None = None) -> None:
        check_spec(spec, self.name, shortest=4)
        if not spec.labels:
            raise ConfigError("a token classifier needs labels", hint="name them in task.json")
        self.window = spec.max_length - 2
        self.overlap = self.window // 4 if overlap is None else overlap
        if not 0 <= self.overlap < self.window:
            raise ConfigError(f"overlap is {overlap}, expected 0 to {self.window - 1}")
        self.spec = spec
        self.tokenizer = tokenizer
        self.tag_set = TagSet(spec.labels)
        self.types = self.tag_set.types
        self.threshold = 0.0
        self.aggregation: Aggregation = "entities"
        self._decoder = TagDecoder(spec.transitions, len(spec.labels)) if spec.transitions else None
        self._label_ids = {label: index for index, label in enumerate(spec.labels)}

    def from_text(self, text: object, where: str = "") -> TokenExample:
        """A raw text as an example: words split off, with their places in it.

        Raises:
            InvalidInputError: not a string, or one with a lone surrogate.
        """
        text = check_single_text(text, where or "the text")
        if self.spec.words == "pre_tokens":
            offsets = with_marks(text, self.tokenizer.pre_tokens(text))
        else:
            chinese = self.tokenizer.normalization.tokenize_chinese_chars
            offsets = split_words(text, chinese_characters=chinese)
        words = tuple(text[start:end] for start, end in offsets)
        return TokenExample(words=words, offsets=tuple(offsets), text=text, where=where)

    def _chosen(self, choices: Choices) -> Self:
        """Telling only entities with a score of ``threshold`` or more, or every word with its tag
        (``aggregation="words"``).
        """
        chosen = copy.copy(self)
        if choices.threshold is not None:
            chosen.threshold = choices.threshold
        if choices.aggregation is not None:
            chosen.aggregation = choices.aggregation
        return chosen

    def encode(
        self, examples: Sequence[TokenExample], *, with_labels: bool = False
    ) -> list[Features]:
        """One or more inputs an example, none for one without words. ``Features.words`` says at
        which tokens words are decided.

        Raises:
            DataError: ``with_labels`` and tags that are missing or unknown.
            InvalidInputError: a word that is not a string, or holds a lone surrogate.
        """
        for index, example in enumerate(examples):
            place = example.where or f"text {index}"
            for number, word in enumerate(example.words):
                check_text(word, f"{place}, word {number},")
        features: list[Features] = []
        encodings = self.tokenizer.encode_words([example.words for example in examples])
        for index, (example, encoded) in enumerate(zip(examples, encodings, strict=True)):
            labels = self._targets(example, index) if with_labels else None
            unsaid = self._unsaid(example) if with_labels else None
            starts = np.array(example.offsets, dtype=np.int32).reshape(-1, 2)[:, :1]
            offsets = encoded.offsets + starts[encoded.word_ids]
            for window in cut_windows(encoded.word_ids, self.window, self.overlap):
                inside = slice(window.start, window.end)
                features.append(
                    Features(
                        input_ids=_framed(
                            encoded.ids[inside], self.tokenizer.cls_id, self.tokenizer.sep_id
                        ),
                        token_type_ids=np.zeros(len(window.words) + 2, dtype=np.int32),
                        offsets=_framed(offsets[inside], 0, 0),
                        example=index,
                        words=_framed(window.words, -1, -1),
                        labels=None
                        if labels is None
                        else _framed(
                            np.where(window.words >= 0, labels[window.words], IGNORE_INDEX),
                            IGNORE_INDEX,
                            IGNORE_INDEX,
                        ),
                        unsaid=unsaid,
                        soft=None
                        if labels is None or example.soft is None
                        else _framed(example.soft[window.words].astype(np.float32), 0, 0),
                    )
                )
        return features

    def reduce(self, features: Features, logits: Float32) -> WordScores:
        """The logits of the words that this input decides."""
        check_logits(logits, (len(features), len(self.spec.labels)))
        return WordScores(logits=logits[_words(features) >= 0])

    def predict(
        self,
        examples: Sequence[TokenExample],
        features: Sequence[Features],
        reduced: Sequence[WordScores],
    ) -> list[Entities]:
        """The entities of each example, in the order of its text; every word of it, with its label
        as the type, where the model labels words or ``aggregation`` is ``words``. Tags in an order
        that no text could have, as a model without ``spec.transitions`` may give them, are read as
        conlleval does: an ``I-X`` after anything but ``X`` starts an entity.
        """
        answers = self._join(examples, features, reduced)
        found = [
            [
                Entity(
                    text=example.text[example.offsets[start][0] : example.offsets[end - 1][1]],
                    type=kind,
                    start=example.offsets[start][0],
                    end=example.offsets[end - 1][1],
                    score=float(answer.probabilities[start:end].min()),
                )
                for start, end, kind in self._told(self._tags(answer.labels))
            ]
            for example, answer in zip(examples, answers, strict=True)
        ]
        return [tuple(e for e in entities if e.score >= self.threshold) for entities in found]

    def _told(self, labels: Sequence[str]) -> list[WordSpan]:
        if self.aggregation == "words":
            return [WordSpan(at, at + 1, label) for at, label in enumerate(labels)]
        return self.tag_set.spans(labels)

    def tags(
        self,
        examples: Sequence[TokenExample],
        features: Sequence[Features],
        reduced: Sequence[WordScores],
    ) -> list[list[str]]:
        """The tag of every word of each example."""
        return [self._tags(answer.labels) for answer in self._join(examples, features, reduced)]

    def score(
        self,
        examples: Sequence[TokenExample],
        features: Sequence[Features],
        reduced: Sequence[WordScores],
    ) -> Scores:
        """Token accuracy, and precision, recall and F1 of whole entities, or of each label where
        the model labels words; ``docs/tasks.md``.

        Raises:
            InvalidInputError: no words to score.
            DataError: an example without tags, or with an unknown one.
        """
        if not any(example.words for example in examples):
            raise InvalidInputError("there are no words to score")
        answers = self._join(examples, features, reduced)
        truth = self.word_labels(examples)
        judged = np.concatenate([*map(self._judged, examples, answers)])
        true = np.concatenate(truth)[judged]
        predicted = np.concatenate([answer.labels for answer in answers])[judged]
        texts = np.repeat(np.arange(len(examples)), [*map(len, truth)])[judged]
        tallies = {"token_accuracy": Tally.of_items(len(examples), texts, true == predicted)}
        probabilities = np.concatenate([answer.probabilities for answer in answers])[judged]
        values = {
            "token_accuracy": float((true == predicted).mean()),
            "ece": calibration_error(probabilities, true == predicted),
        }
        if self.tag_set.naming == "words":
            return score_words(self.spec.labels, (true, predicted), values, tallies)
        spans: list[tuple[list[WordSpan], list[WordSpan]]] = []
        for right, example, answer in zip(truth, examples, answers, strict=True):
            found = self.tag_set.spans(self._tags(answer.labels))
            if example.types is not None:  # others are neither right nor wrong
                found = [span for span in found if span.type in example.types]
            spans.append((self.tag_set.spans(self._tags(right)), found))
        return score_entities(self.tag_set, spans, (true, predicted), values, tallies)

    def _judged(self, example: TokenExample, answer: WordTags) -> NDArray[np.bool_]:
        """(words,) which words are right or wrong: all but those tagged with a type that nobody
        looked for where the annotators left no tag.
        """
        unsaid = self._unsaid(example)
        if unsaid is None:
            return np.ones(len(example.words), dtype=bool)
        untagged = np.array([tag == "O" for tag in example.tags or ()], dtype=bool)
        return ~(untagged & unsaid[answer.labels])

    def word_labels(self, examples: Sequence[TokenExample]) -> list[NDArray[np.int64]]:
        """(words,) the right label of each word of each example.

        Raises:
            DataError: an example without tags, or with an unknown one.
        """
        return [self._labels(example, index) for index, example in enumerate(examples)]

    def _targets(self, example: TokenExample, index: int) -> NDArray[np.int64]:
        """(words,) the label of each word to train on: a teacher's likeliest where it has one."""
        if example.soft is None:
            return self._labels(example, index)
        if example.soft.shape[1] != len(self.spec.labels):
            raise DataError(
                f"{example.where or f'text {index}'} has soft labels for {example.soft.shape[1]} "
                f"tags, the model has {len(self.spec.labels)}",
                hint=f"the model's tags are {', '.join(self.spec.labels)}",
            )
        return example.soft.argmax(axis=1).astype(np.int64)

    def _unsaid(self, example: TokenExample) -> NDArray[np.bool_] | None:
        """(labels,) what an ``O`` of the example may be besides."""
        if example.types is None or not set(self.types) - set(example.types):
            return None
        kinds = [self.tag_set.type_of(label) for label in self.spec.labels]
        return np.array([bool(kind) and kind not in example.types for kind in kinds])

    def _labels(self, example: TokenExample, index: int) -> NDArray[np.int64]:
        """(words,) the label of each word."""
        place = example.where or f"text {index}"
        if example.tags is None:
            raise DataError(f"{place} has no tags", hint="name the column that holds the tags")
        tags = self.tag_set.of_data(example.tags)
        unknown = next((tag for tag in tags if tag not in self._label_ids), None)
        if unknown is not None:
            raise unknown_label(f"{place}: unknown tag {shown(unknown)}", "tags", self.spec.labels)
        return np.array([self._label_ids[tag] for tag in tags], dtype=np.int64)

    def _tags(self, labels: NDArray[np.integer]) -> list[str]:
        return [self.spec.labels[label] for label in labels.tolist()]

    def _join(
        self,
        examples: Sequence[TokenExample],
        features: Sequence[Features],
        reduced: Sequence[WordScores],
    ) -> list[WordTags]:
        """The answer for each example."""
        scores = self.word_scores(examples, features, reduced)
        if self._decoder is None:
            decided = [one.argmax(axis=1).astype(np.int32) for one in scores]
        else:
            decided = self._decoder.decode(scores)
        answers: list[WordTags] = []
        for one, labels in zip(scores, decided, strict=True):
            probabilities = softmax(one / np.float32(self.spec.temperature))
            theirs = probabilities[np.arange(len(labels)), labels].astype(np.float32)
            answers.append(WordTags(labels=labels, probabilities=theirs))
        return answers

    def word_scores(
        self,
        examples: Sequence[TokenExample],
        features: Sequence[Features],
        reduced: Sequence[WordScores],
    ) -> list[Float32]:
        """The logits (words, labels) of each example, its windows as one.

        Raises:
            InvalidInputError: features that are not those of all the examples.
        """
        joined = [
            np.full((len(example.words), len(self.spec.labels)), np.nan, dtype=np.float32)
            for example in examples
        ]
        for item, answer in zip(features, reduced, strict=True):
            words = _words(item)
            joined[item.example][words[words >= 0]] = answer.logits
        for index, scores in enumerate(joined):
            if np.isnan(scores).any():
                raise InvalidInputError(
                    f"example {index} has words that no input decides",
                    hint="give the features of these very examples, all of them",
                )
        return joined


def _words(features: Features) -> NDArray[np.int32]:
    if features.words is None:
        raise InvalidInputError(
            "the features say nothing of words", hint="encode them with TokenClassification"
        )
    return features.words


def _framed(values: NDArray[Number], before: int, after: int) -> NDArray[Number]:
    """``values`` with one row more at each end, for [CLS] and [SEP]."""
    framed = np.empty((len(values) + 2, *values.shape[1:]), dtype=values.dtype)
    framed[0], framed[1:-1], framed[-1] = before, values, after
    return framed
