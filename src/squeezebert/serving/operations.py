"""What can be asked of a model: from a body to inputs, and from its results to an answer.

An operation is used in three places: ``prepare`` and ``render`` belong to one request, ``run`` to
a batch of inputs from any number of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from squeezebert.embedding import TextEncoder, TextInput, unit_length
from squeezebert.pipeline import Pipeline
from squeezebert.serving import schemas
from squeezebert.serving.refusals import TooLargeError, UnsupportedParameterError
from squeezebert.tasks import Entities, FilledMasks, TextPrediction
from squeezebert.tasks.base import Features
from squeezebert.tasks.inputs import check_text
from squeezebert.tasks.masked_lm import MaskedLM
from squeezebert.tasks.metrics import sigmoid, softmax

Float32 = NDArray[np.float32]

OperationName = Literal[
    "fill-mask", "text-classification", "token-classification", "feature-extraction"
]
"""Hugging Face's names of what is asked."""

Body_contra = TypeVar("Body_contra", contravariant=True)
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True, eq=False)
class Prepared(Generic[Item]):
    """A request as inputs of the model.

    Args:
        items: What goes to the batches; a text may give none, one or several.
        tokens: All their tokens, special ones included.
        examples: The texts as the task sees them; empty where there is no task.
        truncated_tokens: How many tokens were too many for the model and are left out.
    """

    items: Sequence[Item]
    tokens: int
    examples: Sequence[Any] = ()
    truncated_tokens: int = 0


class Operation(Protocol[Body_contra, Item, Result]):
    """One kind of question."""

    name: OperationName

    def prepare(self, body: Body_contra) -> Prepared[Item]:
        """The inputs of a request.

        Raises:
            InvalidInputError, RefusedError: something that cannot be asked.
        """
        ...

    def cost(self, item: Item, /) -> int:
        """The tokens of an input."""
        ...

    def run(self, items: Sequence[Item], /) -> Sequence[Result]:
        """What the model says to a batch of inputs."""
        ...

    def render(self, body: Body_contra, prepared: Prepared[Item], results: Sequence[Result]) -> Any:
        """The answer to a request, ready for JSON."""
        ...


class FillMask:
    """Candidates for each ``[MASK]`` in a text. An input goes with how many candidates it wants."""

    name: OperationName = "fill-mask"

    def __init__(self, pipeline: Pipeline[FilledMasks]) -> None:
        assert isinstance(pipeline.task, MaskedLM)
        self._pipeline = pipeline
        self._default = pipeline.task.top_k
        self._ids = {token: at for at, token in enumerate(pipeline.task.tokenizer.tokens)}

    def prepare(self, body: schemas.FillMaskRequest) -> Prepared[tuple[Features, int]]:
        """See :class:`Operation`."""
        if body.parameters is not None and body.parameters.targets is not None:
            raise UnsupportedParameterError(
                "targets is not supported", hint="ask for more candidates with top_k, and choose"
            )
        examples = _examples(self._pipeline, _listed(body.inputs))
        features = self._pipeline.task.encode(examples)
        wanted = self._top_k(body)
        return Prepared(
            items=[(item, wanted) for item in features],
            tokens=sum(map(len, features)),
            examples=examples,
        )

    def cost(self, item: tuple[Features, int], /) -> int:
        """See :class:`Operation`."""
        return len(item[0])

    def run(self, items: Sequence[tuple[Features, int]], /) -> Sequence[Any]:
        """See :class:`Operation`. All get as many candidates as the one that wants most."""
        task = self._pipeline.task.choosing(top_k=max(wanted for _, wanted in items))
        return task.ask(self._pipeline.backend, [features for features, _ in items])

    def render(
        self,
        body: schemas.FillMaskRequest,
        prepared: Prepared[tuple[Features, int]],
        results: Sequence[Any],
    ) -> Any:
        """See :class:`Operation`."""
        features = [features for features, _ in prepared.items]
        filled = self._pipeline.task.predict(prepared.examples, features, results)
        wanted = self._top_k(body)
        rows = [self._gaps(text, wanted) for text in filled]
        return rows[0] if isinstance(body.inputs, str) else rows

    def _top_k(self, body: schemas.FillMaskRequest) -> int:
        asked = None if body.parameters is None else body.parameters.top_k
        return self._default if asked is None else asked

    def _gaps(self, filled: FilledMasks, wanted: int) -> list[Any]:
        gaps = [
            [
                {
                    "score": candidate.score,
                    "token": self._ids[candidate.token],
                    "token_str": candidate.token,
                    "sequence": candidate.text,
                }
                for candidate in gap.candidates[:wanted]
            ]
            for gap in filled
        ]
        return gaps[0] if len(gaps) == 1 else gaps


class ClassifyText:
    """The classes of a text, or of a pair of texts, with their probabilities."""

    name: OperationName = "text-classification"

    def __init__(self, pipeline: Pipeline[TextPrediction]) -> None:
        self._pipeline = pipeline

    def prepare(self, body: schemas.TextClassificationRequest) -> Prepared[Features]:
        """See :class:`Operation`."""
        texts = [
            text if isinstance(text, str) else (text.text, text.text_pair)
            for text in _listed(body.inputs)
        ]
        return _prepared(self._pipeline, texts)

    def cost(self, item: Features, /) -> int:
        """See :class:`Operation`."""
        return len(item)

    def run(self, items: Sequence[Features], /) -> Sequence[Float32]:
        """See :class:`Operation`."""
        return self._pipeline.task.ask(self._pipeline.backend, items)

    def render(
        self,
        body: schemas.TextClassificationRequest,
        prepared: Prepared[Features],
        results: Sequence[Float32],
    ) -> Any:
        """See :class:`Operation`."""
        asked = body.parameters or schemas.TextClassificationParameters()
        if asked.function_to_apply is None:
            answers = self._pipeline.task.predict(prepared.examples, prepared.items, results)
            # A regression has a number and no probabilities.
            rows = [list((a.probabilities or {a.label: a.score}).items()) for a in answers]
        else:
            labels = self._pipeline.labels or ("value",)
            rows = [
                sorted(
                    zip(labels, _scores(logits, asked.function_to_apply), strict=True),
                    key=lambda pair: -pair[1],
                )
                for logits in results
            ]
        return [
            [{"label": label, "score": score} for label, score in row[: asked.top_k]]
            for row in rows
        ]


class ClassifyTokens:
    """The entities of a text."""

    name: OperationName = "token-classification"

    def __init__(self, pipeline: Pipeline[Entities]) -> None:
        self._pipeline = pipeline

    def prepare(self, body: schemas.TokenClassificationRequest) -> Prepared[Features]:
        """See :class:`Operation`."""
        strategy = None if body.parameters is None else body.parameters.aggregation_strategy
        if strategy not in (None, "simple", "first"):
            raise UnsupportedParameterError(
                f"aggregation_strategy {strategy} is not supported",
                hint="leave it out: whole words are tagged, each at its first token",
            )
        return _prepared(self._pipeline, _listed(body.inputs))

    def cost(self, item: Features, /) -> int:
        """See :class:`Operation`."""
        return len(item)

    def run(self, items: Sequence[Features], /) -> Sequence[Any]:
        """See :class:`Operation`."""
        return self._pipeline.task.ask(self._pipeline.backend, items)

    def render(
        self,
        body: schemas.TokenClassificationRequest,
        prepared: Prepared[Features],
        results: Sequence[Any],
    ) -> Any:
        """See :class:`Operation`."""
        ignored = set((body.parameters and body.parameters.ignore_labels) or ())
        found = self._pipeline.task.predict(prepared.examples, prepared.items, results)
        rows = [
            [
                {
                    "entity_group": entity.type,
                    "score": entity.score,
                    "word": entity.text,
                    "start": entity.start,
                    "end": entity.end,
                }
                for entity in entities
                if entity.type not in ignored
            ]
            for entities in found
        ]
        return rows[0] if isinstance(body.inputs, str) else rows


class ExtractFeatures:
    """The vector of a text: the mean of the model's last hidden states."""

    name: OperationName = "feature-extraction"

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder

    def prepare(self, body: schemas.FeatureExtractionRequest) -> Prepared[TextInput]:
        """See :class:`Operation`."""
        self._check(body)
        texts = [check_text(text, f"text {at}") for at, text in enumerate(_listed(body.inputs))]
        items = self._encoder.inputs(texts)
        cut = sum(item.truncated_tokens for item in items)
        if cut and body.truncate is False:
            raise TooLargeError(
                f"a text is longer than the model's {self._encoder.max_length} tokens",
                hint="leave truncate out, or shorten the text",
            )
        return Prepared(
            items=items, tokens=sum(len(item.input_ids) for item in items), truncated_tokens=cut
        )

    def cost(self, item: TextInput, /) -> int:
        """See :class:`Operation`."""
        return len(item.input_ids)

    def run(self, items: Sequence[TextInput], /) -> Sequence[Float32]:
        """See :class:`Operation`; vectors are not yet normalized."""
        return list(self._encoder.pool([item.input_ids for item in items]))

    def vectors(
        self, body: schemas.FeatureExtractionRequest, results: Sequence[Float32]
    ) -> Float32:
        """(texts, hidden_size) the vectors as they were asked for."""
        stacked = np.stack(results)
        return stacked if body.normalize is False else unit_length(stacked)

    def render(
        self,
        body: schemas.FeatureExtractionRequest,
        prepared: Prepared[TextInput],
        results: Sequence[Float32],
    ) -> Any:
        """See :class:`Operation`."""
        del prepared
        rows = self.vectors(body, results).tolist()
        return rows[0] if isinstance(body.inputs, str) else rows

    def _check(self, body: schemas.FeatureExtractionRequest) -> None:
        width = self._encoder.engine.config.hidden_size
        if body.dimensions not in (None, width):
            raise UnsupportedParameterError(
                f"dimensions is {body.dimensions}, but the model's vectors have {width}",
                hint="leave it out",
            )
        for name, value, only in (
            ("truncation_direction", body.truncation_direction, "right"),
            ("encoding_format", body.encoding_format, "float"),
            ("prompt_name", body.prompt_name, None),
        ):
            if value not in (None, only):
                raise UnsupportedParameterError(
                    f"{name} {value} is not supported", hint="leave it out"
                )


def _listed(inputs: Any) -> list[Any]:
    return inputs if isinstance(inputs, list) else [inputs]


def _examples(pipeline: Pipeline[Any], texts: Sequence[object]) -> list[Any]:
    return [pipeline.task.from_text(text, f"text {at}") for at, text in enumerate(texts)]


def _prepared(pipeline: Pipeline[Any], texts: Sequence[object]) -> Prepared[Features]:
    examples = _examples(pipeline, texts)
    features = pipeline.task.encode(examples)
    return Prepared(
        items=features,
        tokens=sum(map(len, features)),
        examples=examples,
        truncated_tokens=sum(item.truncated_tokens for item in features),
    )


def _scores(logits: Float32, function: Literal["sigmoid", "softmax", "none"]) -> list[float]:
    row = logits.astype(np.float64)[None, :]
    if function == "none":
        return row[0].tolist()
    return (softmax(row) if function == "softmax" else sigmoid(row))[0].tolist()
