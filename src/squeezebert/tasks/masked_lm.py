"""Guessing masked tokens: for a person, and as the measure of a language model."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from squeezebert.batch import RaggedBatch
from squeezebert.data.examples import Document
from squeezebert.errors import ConfigError, InvalidInputError
from squeezebert.spec import TaskName, TaskSpec
from squeezebert.tasks.base import (
    IGNORE_INDEX,
    Choices,
    Features,
    Model,
    Scores,
    Task,
    batch_positions,
)
from squeezebert.tasks.filled_mask import Candidate, FilledMask, FilledMasks
from squeezebert.tasks.inputs import check_logits, check_single_text, check_spec, check_text
from squeezebert.tasks.mask_answers import MaskAnswers, RanksTokens, truth
from squeezebert.tasks.masking import check_probability, evaluation_keys, ordinary_ids
from squeezebert.tasks.packing import TurnPacker
from squeezebert.tasks.reference import ReferenceEmbeddings
from squeezebert.tasks.resampling import Tally
from squeezebert.tokenizer import Tokenizer

Float32 = NDArray[np.float32]


class _Input(NamedTuple):
    """One input before masking: ``ordinary`` holds the tokens that may be masked, ``keys`` a
    number a token, of which the least are masked.
    """

    features: Features
    ordinary: NDArray[np.int64]
    keys: NDArray[np.float64]


class MaskedLM(Task[Document, MaskAnswers, FilledMasks]):
    """Encodes, decodes and scores masked language modeling (``docs/tasks.md`` defines the scores).

    An input is ``[CLS] turn [SEP] turn [SEP] …``, as many whole turns of a document as fit into
    ``spec.max_length`` (:class:`~squeezebert.tasks.packing.TurnPacker`); nothing is left out.

    With labels, ordinary tokens are masked at random (always by ``[MASK]``), at least one an
    input; which ones depends on the seed and the document's token ids alone
    (:func:`~squeezebert.tasks.masking.evaluation_keys`). Without labels, the ``[MASK]`` that
    stand in the texts are to be filled.

    Args:
        spec: The length.
        tokenizer: The model's.
        mask_probability: The share of tokens to be guessed.
        seed: Another seed gives other masks.
        reference: The table for the cosine similarity; without it that score is left out.
        top_k: How many candidates a gap gets; as few as are at least as likely as ``threshold``.

    Raises:
        ConfigError: a spec of another task, a length below 3, a probability outside 0 to 1.

    >>> tokenizer = Tokenizer.from_vocabulary(
    ...     ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "sky", "sea"], lowercase=True
    ... )
    >>> task = MaskedLM(TaskSpec(task="masked_lm", max_length=16), tokenizer, top_k=2)
    >>> documents = [Document(turns=("The [MASK].",))]
    >>> features = task.encode(documents)
    >>> features[0].input_ids.tolist(), task.positions(features[0]).tolist()
    ([2, 5, 4, 1, 3], [2])
    >>> logits = np.array([[0, 0, 0, 0, 0, 0, 2, 1]], dtype=np.float32)
    >>> gaps = task.predict(documents, features, [task.reduce(features[0], logits)])[0]
    >>> [candidate.text for candidate in gaps[0].candidates]
    ['The sky.', 'The sea.']
    """

    name: ClassVar[TaskName] = "masked_lm"
    choices: ClassVar[tuple[str, ...]] = ("top_k", "threshold")

    def __init__(
        self,
        spec: TaskSpec,
        tokenizer: Tokenizer,
        *,
        mask_probability: float = 0.15,
        seed: int = 0,
        reference: ReferenceEmbeddings | None = None,
        top_k: int = 5,
    ) -> None:
        check_spec(spec, self.name, shortest=3)
        check_probability(mask_probability)
        if seed < 0 or top_k < 1:
            raise ConfigError(
                f"seed is {seed} and top_k {top_k}, expected at least 0 and at least 1"
            )
        self.spec = spec
        self.tokenizer = tokenizer
        self.mask_probability = mask_probability
        self.seed = seed
        self.reference = reference
        self._tokens = tokenizer.tokens
        self._ordinary = ordinary_ids(tokenizer)
        self.top_k = max(1, min(top_k, int(self._ordinary.sum())))
        self.threshold = 0.0
        self._packer = TurnPacker(tokenizer, spec.max_length)
        # (vocab_size,) the row of each id in the reference table, -1 where it has none
        self._reference_rows = None if reference is None else reference.rows(self._tokens)

    def from_text(self, text: object, where: str = "") -> Document:
        """A text with ``[MASK]`` where words are wanted.

        Raises:
            InvalidInputError: not a string, one with a lone surrogate, or one without ``[MASK]``.
        """
        place = where or "the text"
        text = check_single_text(text, place)
        gap = self.tokenizer.mask_token
        if gap not in text:
            raise InvalidInputError(
                f"{place} holds no {gap}, so there is nothing to fill: {text[:80]!r}",
                hint=f"write {gap} where a word is wanted",
            )
        return Document(turns=(text,), where=where)

    def _chosen(self, choices: Choices) -> Self:
        """With ``top_k`` candidates a gap, less those that are less probable than ``threshold``."""
        chosen = copy.copy(self)
        if choices.top_k is not None:
            chosen.top_k = max(1, min(choices.top_k, int(self._ordinary.sum())))
        if choices.threshold is not None:
            chosen.threshold = choices.threshold
        return chosen

    def encode(self, examples: Sequence[Document], *, with_labels: bool = False) -> list[Features]:
        """One or more inputs a document; ``offsets`` count in its turns joined by line breaks.
        An input without anything to guess is left out: with labels one without an ordinary
        token, without labels one without ``[MASK]``.

        Raises:
            InvalidInputError: a turn that is not a string, or holds a lone surrogate; without
                labels, a document without ``[MASK]``.
        """
        features: list[Features] = []
        for index, (document, inputs) in enumerate(
            zip(examples, self._inputs(examples, with_keys=with_labels), strict=True)
        ):
            if with_labels:
                for item in inputs:
                    if len(item.ordinary):
                        keys = item.keys[item.ordinary]
                        chosen = keys < self.mask_probability
                        chosen[keys.argmin()] = True
                        features.append(self._with_gaps(item.features, item.ordinary[chosen]))
                continue
            open_inputs = [item.features for item in inputs if len(self.positions(item.features))]
            if not open_inputs:
                raise InvalidInputError(
                    f"{document.where or f'text {index}'} has no {self.tokenizer.mask_token}",
                    hint=f"write {self.tokenizer.mask_token} where a word is to be guessed",
                )
            features += open_inputs
        return features

    def pseudo_features(self, examples: Sequence[Document]) -> list[Features]:
        """As many copies of each input as it has ordinary tokens, each with another one masked:
        what :meth:`pseudo_perplexity` needs. Costs a run of the model a token.

        Raises:
            InvalidInputError: a turn that is not a string, or holds a lone surrogate.
        """
        return [
            self._with_gaps(item.features, item.ordinary[gap : gap + 1])
            for inputs in self._inputs(examples)
            for item in inputs
            for gap in range(len(item.ordinary))
        ]

    def positions(self, features: Features) -> NDArray[np.int64]:
        """(gaps,) the tokens to be guessed: those with a label, or the ``[MASK]`` of an input
        without labels.
        """
        if features.labels is not None:
            return np.flatnonzero(features.labels != IGNORE_INDEX)
        return np.flatnonzero(features.input_ids == self.tokenizer.mask_id)

    def timing_input(self, input_ids: NDArray[np.int32]) -> Features:
        """An input with the usual share of its tokens masked, evenly spread."""
        gaps = max(1, round(self.mask_probability * len(input_ids)))
        return self._with_gaps(
            super().timing_input(input_ids),
            np.linspace(0, len(input_ids) - 1, gaps).astype(np.int64),
        )

    def ask(self, model: Model, features: Sequence[Features]) -> list[MaskAnswers]:
        """As for every task, but without making all logits where the likeliest tokens will do and
        the model can rank them.
        """
        needed = self._best_needed(features, model.config.vocab_size)
        if needed is None or not isinstance(model, RanksTokens):
            return super().ask(model, features)
        batch = RaggedBatch.from_features(features)
        gaps = [self.positions(item) for item in features]
        ids, logits, log_normalizers = model.top_k(batch, batch_positions(batch, gaps), needed)
        check_logits(log_normalizers, (sum(map(len, gaps)),))
        ends = np.cumsum([0, *map(len, gaps)]).tolist()
        return [
            MaskAnswers.of_best(
                ids[start:end],
                logits[start:end],
                log_normalizers[start:end],
                self.top_k,
                candidates=self._ordinary,
            )
            for start, end in pairwise(ends)
        ]

    def _best_needed(self, features: Sequence[Features], outputs: int) -> int | None:
        """How many of the likeliest tokens of a gap are needed, special tokens among them; None
        where only all logits will do. ``outputs`` is the size of the model's table, which some
        models pad to a round number: only :meth:`reduce` leaves that out.
        """
        labeled = any(item.labels is not None for item in features)
        if labeled or self.spec.temperature != 1.0 or outputs > len(self._tokens):
            return None
        return self.top_k + int((~self._ordinary).sum())

    def reduce(self, features: Features, logits: Float32) -> MaskAnswers:
        """The best tokens of each gap, and how the true one fared. In an input without labels,
        special tokens are no candidates.
        """
        gaps = self.positions(features)
        vocab_size = len(self._tokens)
        check_logits(logits, (len(gaps), max(vocab_size, logits.shape[-1])))
        logits = logits[:, :vocab_size]  # some models' tables are padded to a round number
        if self.spec.temperature != 1.0:
            logits = logits / np.float32(self.spec.temperature)
        if features.labels is None:
            return MaskAnswers.of(logits, self.top_k, candidates=self._ordinary)
        return MaskAnswers.of(logits, self.top_k, true_ids=features.labels[gaps])

    def predict(
        self,
        examples: Sequence[Document],
        features: Sequence[Features],
        reduced: Sequence[MaskAnswers],
    ) -> list[FilledMasks]:
        """The gaps of each document, in the order of its text."""
        texts = ["\n".join(document.turns) for document in examples]
        filled: list[list[FilledMask]] = [[] for _ in examples]
        for item, answers in zip(features, reduced, strict=True):
            scores = np.exp(answers.top_log_probabilities).tolist()
            for gap, position in enumerate(self.positions(item).tolist()):
                start, end = item.offsets[position].tolist()
                candidates = tuple(
                    Candidate(
                        token=self._tokens[token],
                        score=score,
                        source=texts[item.example],
                        start=start,
                        end=end,
                    )
                    for token, score in zip(answers.top_ids[gap].tolist(), scores[gap], strict=True)
                    if score > 0.0 and score >= self.threshold
                )
                expected = None if item.labels is None else self._tokens[item.labels[position]]
                filled[item.example].append(
                    FilledMask(start=start, end=end, candidates=candidates, expected=expected)
                )
        return [tuple(gaps) for gaps in filled]

    def score(
        self,
        examples: Sequence[Document],
        features: Sequence[Features],
        reduced: Sequence[MaskAnswers],
    ) -> Scores:
        """Accuracy, cross-entropy and cosine similarity over all gaps; see ``docs/tasks.md``.

        Raises:
            InvalidInputError: no gaps, or features without labels.
        """
        true, log_probability = truth(features, map(self.positions, features), reduced)
        gaps = [len(answers.rank) for answers in reduced]
        texts = np.repeat([item.example for item in features], gaps)
        rank = np.concatenate([answers.rank for answers in reduced])
        guessed = np.concatenate([answers.top_ids[:, 0] for answers in reduced])
        cross_entropy = -float(log_probability.mean())
        values = {
            "accuracy": float((rank == 1).mean()),
            "top5_accuracy": float((rank <= 5).mean()),
            "cross_entropy": cross_entropy,
            "perplexity": float(np.exp(cross_entropy)),
            "masked_tokens": float(len(true)),
        }
        size = len(examples)
        tallies = {"accuracy": Tally.of_items(size, texts, rank == 1)}
        if self.reference is not None and self._reference_rows is not None:
            rows = self._reference_rows
            values |= self.reference.similarity_scores(rows[true], rows[guessed])
            cosines = self.reference.cosines(rows[guessed], rows[true])
            known = rows[true] >= 0
            tallies["average_cosine_similarity"] = Tally.of_items(size, texts, cosines, known)
        return Scores(values=values, main="accuracy", tallies=tallies)

    def pseudo_perplexity(
        self, features: Sequence[Features], reduced: Sequence[MaskAnswers]
    ) -> float:
        """The perplexity of whole texts (Salazar et al. 2020), each token guessed from all others.

        Args:
            features: What :meth:`pseudo_features` gave.
            reduced: Their answers.

        Raises:
            InvalidInputError: no gaps, or features without labels.
        """
        _, log_probability = truth(features, map(self.positions, features), reduced)
        return float(np.exp(-log_probability.mean()))

    def further_scores(
        self,
        examples: Sequence[Document],
        run: Callable[[Sequence[Features]], list[MaskAnswers]],
    ) -> Mapping[str, float]:
        """The :meth:`pseudo_perplexity`, which takes a run of the model a token.

        Raises:
            InvalidInputError: documents without ordinary tokens.
        """
        features = self.pseudo_features(examples)
        return {"pseudo_perplexity": self.pseudo_perplexity(features, run(features))}

    # Encoding

    def _inputs(
        self, examples: Sequence[Document], *, with_keys: bool = False
    ) -> Iterator[list[_Input]]:
        """The inputs of each document, nothing masked; keys are zeros where they are not wanted."""
        turns: list[str] = []
        for index, document in enumerate(examples):
            place = document.where or f"text {index}"
            turns += [
                check_text(turn, f"{place}, turn {number},")
                for number, turn in enumerate(document.turns)
            ]
        encodings = iter(self.tokenizer.encode(turns))
        for index, document in enumerate(examples):
            encoded = [next(encodings) for _ in document.turns]
            starts = np.cumsum([0, *(len(turn) + 1 for turn in document.turns)])
            # One row more, (0, 0), which the index -1 of [CLS] and [SEP] picks.
            offsets = np.concatenate(
                [
                    *(item.offsets + at for item, at in zip(encoded, starts[:-1], strict=True)),
                    np.zeros((1, 2), dtype=np.int32),
                ]
            ).astype(np.int32)
            ids = np.concatenate([np.zeros(0, dtype=np.int32), *(item.ids for item in encoded)])
            drawn = evaluation_keys(ids, self.seed) if with_keys else np.zeros(len(ids))
            keys = np.append(drawn, 0.0)
            yield [
                _Input(
                    features=Features(
                        input_ids=packed.input_ids,
                        token_type_ids=np.zeros_like(packed.input_ids),
                        offsets=offsets[packed.sources],
                        example=index,
                    ),
                    ordinary=np.flatnonzero(self._ordinary[packed.input_ids]),
                    keys=keys[packed.sources],
                )
                for packed in self._packer.pack([item.ids for item in encoded])
            ]

    def _with_gaps(self, item: Features, gaps: NDArray[np.int64]) -> Features:
        labels = np.full(len(item), IGNORE_INDEX, dtype=np.int64)
        labels[gaps] = item.input_ids[gaps]
        input_ids = item.input_ids.copy()
        input_ids[gaps] = self.tokenizer.mask_id
        return dataclasses.replace(item, input_ids=input_ids, labels=labels)

    # Scoring
