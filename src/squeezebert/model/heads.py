"""Encoder plus head, one way for all heads.

A head is a small module from hidden states to logits. :class:`TaskModel` joins it to an encoder;
nothing else differs between tasks. Losses live in training, not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from jaxtyping import Bool, Int
from torch import Tensor, nn

from squeezebert.config import EncoderConfig
from squeezebert.errors import ConfigError, InvalidInputError
from squeezebert.model.dropout import Dropout
from squeezebert.model.encoder import ACTIVATIONS, Encoder, EncoderOutput, initialize

HeadKind = Literal[
    "masked_lm",
    "text_classification",
    "token_classification",
    "question_answering",
    "multiple_choice",
]

ProblemType = Literal["single_label", "multi_label", "regression"]


@dataclass(frozen=True, kw_only=True)
class HeadConfig:
    """Which head, and the names of its outputs.

    Args:
        kind: The head.
        labels: Classes or tags in the order of the logits; classification heads only.
        problem_type: How text classification's logits are meant.

    Raises:
        ConfigError: a classification head without labels, or labels for another head.
    """

    kind: HeadKind
    labels: tuple[str, ...] = ()
    problem_type: ProblemType = "single_label"

    def __post_init__(self) -> None:
        wants_labels = self.kind in ("text_classification", "token_classification")
        if wants_labels != bool(self.labels):
            raise ConfigError(
                f"a {self.kind} head has {len(self.labels)} labels, expected "
                + ("at least one" if wants_labels else "none")
            )


class LogitsOutput(NamedTuple):
    """One tensor of logits; its shape is the head's (see :class:`TaskModel`)."""

    logits: Tensor


class SpanOutput(NamedTuple):
    """Logits of an answer's first and last token, (B, S) each."""

    start_logits: Tensor
    end_logits: Tensor


class MaskedLMHead(nn.Module):
    """A transform and the projection onto the vocabulary, whose weight is the word embeddings' but
    where the config says that they are not tied.
    """

    def __init__(self, config: EncoderConfig, word_embeddings: nn.Embedding) -> None:
        super().__init__()
        self.is_tied = config.tie_word_embeddings
        self.transform = nn.Linear(config.hidden_size, config.embedding_size)
        self.activation = ACTIVATIONS[config.hidden_act]
        self.layer_norm = nn.LayerNorm(config.embedding_size, eps=config.layer_norm_eps)
        self.decoder = nn.Linear(config.embedding_size, config.vocab_size)
        self.tie(word_embeddings)
        nn.init.zeros_(self.decoder.bias)

    def tie(self, word_embeddings: nn.Embedding) -> None:
        """Makes the weight that of ``word_embeddings``, if they are tied at all."""
        if self.is_tied:
            self.decoder.weight = word_embeddings.weight

    def forward(
        self, encoded: EncoderOutput, positions: Int[Tensor, " n"] | None = None
    ) -> LogitsOutput:
        x = encoded.last_hidden_state
        if positions is not None:
            x = x.flatten(0, 1)[positions]
        return LogitsOutput(self.decoder(self.layer_norm(self.activation(self.transform(x)))))


def _classifier_dropout(config: EncoderConfig) -> float:
    given = config.classifier_dropout
    return config.hidden_dropout_prob if given is None else given


class SentenceHead(nn.Module):
    """Logits of the pooled first token: (B, labels)."""

    def __init__(self, config: EncoderConfig, outputs: int) -> None:
        super().__init__()
        self.dropout = Dropout(_classifier_dropout(config))
        self.classifier = nn.Linear(config.hidden_size, outputs)

    def forward(self, encoded: EncoderOutput) -> LogitsOutput:
        assert encoded.pooler_output is not None
        return LogitsOutput(self.classifier(self.dropout(encoded.pooler_output)))


class TokenHead(nn.Module):
    """Logits of every token: (B, S, labels)."""

    def __init__(self, config: EncoderConfig, outputs: int) -> None:
        super().__init__()
        self.dropout = Dropout(_classifier_dropout(config))
        self.classifier = nn.Linear(config.hidden_size, outputs)

    def forward(self, encoded: EncoderOutput) -> LogitsOutput:
        return LogitsOutput(self.classifier(self.dropout(encoded.last_hidden_state)))


class SpanHead(nn.Module):
    """Start and end logits of every token, for extractive question answering."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.classifier = nn.Linear(config.hidden_size, 2)

    def forward(self, encoded: EncoderOutput) -> SpanOutput:
        start, end = self.classifier(encoded.last_hidden_state).unbind(dim=-1)
        return SpanOutput(start_logits=start, end_logits=end)


class TaskModel(nn.Module):
    """An encoder with a head, called alike whatever the head.

    ===================== ==============================================
    head                  output
    ===================== ==============================================
    masked_lm             ``logits`` (B, S, vocab_size), or (n, vocab_size) for n ``positions``
    text_classification   ``logits`` (B, labels)
    token_classification  ``logits`` (B, S, labels)
    question_answering    ``start_logits`` and ``end_logits``, (B, S) each
    multiple_choice       ``logits`` (B, choices) for inputs of shape (B, choices, S)
    ===================== ==============================================

    >>> import torch
    >>> from squeezebert.config import SQUEEZEBERT_MINI
    >>> head = HeadConfig(kind="text_classification", labels=("ham", "spam"))
    >>> model = build_model(SQUEEZEBERT_MINI, head).eval()
    >>> tuple(model(torch.tensor([[2, 17, 3]])).logits.shape)
    (1, 2)
    """

    def __init__(self, encoder: Encoder, head: nn.Module, head_config: HeadConfig) -> None:
        """Prefer :func:`build_model`."""
        super().__init__()
        self.config = encoder.config
        self.head_config = head_config
        self.encoder = encoder
        self.head = head

    def forward(
        self,
        input_ids: Int[Tensor, "*B S"],
        attention_mask: Int[Tensor, "*B S"] | Bool[Tensor, "*B S"] | None = None,
        token_type_ids: Int[Tensor, "*B S"] | None = None,
        positions: Int[Tensor, " n"] | None = None,
        document_ids: Int[Tensor, "B S"] | None = None,
    ) -> LogitsOutput | SpanOutput:
        """Runs encoder and head.

        Args:
            input_ids: (B, S) token ids; (B, choices, S) for multiple choice.
            attention_mask: As ``input_ids``, true or 1 where there is a token.
            token_type_ids: As ``input_ids``.
            positions: Masked LM only: indices into the B * S tokens whose logits are wanted.
            document_ids: Tokens see those of their own number only, see :class:`Encoder`; not for
                multiple choice.

        Raises:
            InvalidInputError: ``positions`` for a head that does not know them.
        """
        if positions is not None and self.head_config.kind != "masked_lm":
            raise InvalidInputError(f"positions given to a {self.head_config.kind} head")
        if self.head_config.kind == "multiple_choice":
            return self._choose(input_ids, attention_mask, token_type_ids)
        encoded = self.encoder(input_ids, attention_mask, token_type_ids, document_ids)
        return self.head(encoded) if positions is None else self.head(encoded, positions)

    def _choose(
        self, input_ids: Tensor, attention_mask: Tensor | None, token_type_ids: Tensor | None
    ) -> LogitsOutput:
        rows = [None if t is None else t.flatten(0, 1) for t in (attention_mask, token_type_ids)]
        scores: Tensor = self.head(self.encoder(input_ids.flatten(0, 1), *rows)).logits
        return LogitsOutput(scores.view(input_ids.shape[:2]))

    @property
    def num_parameters(self) -> int:
        """Trainable numbers, tied weights counted once."""
        return sum(parameter.numel() for parameter in self.parameters())


def build_model(config: EncoderConfig, head: HeadConfig) -> TaskModel:
    """A model with random weights (drawn from torch's global generator).

    Token-level heads go without a pooler, as in ``transformers``.
    """
    pooled = head.kind in ("text_classification", "multiple_choice")
    encoder = Encoder(config, with_pooler=pooled)
    return TaskModel(encoder, _build_head(head, encoder), head)


def _build_head(head: HeadConfig, encoder: Encoder) -> nn.Module:
    config = encoder.config
    module: nn.Module
    match head.kind:
        case "masked_lm":
            module = MaskedLMHead(config, encoder.embeddings.word)
        case "text_classification":
            module = SentenceHead(config, len(head.labels))
        case "token_classification":
            module = TokenHead(config, len(head.labels))
        case "question_answering":
            module = SpanHead(config)
        case "multiple_choice":
            module = SentenceHead(config, 1)
    for name, layer in module.named_modules():
        if name != "decoder" or not config.tie_word_embeddings:  # else the encoder has drawn it
            initialize(layer, config.initializer_range)
    return module


def attach_head(encoder: Encoder, head: HeadConfig) -> TaskModel:
    """A new head with random weights on the layers of ``encoder``: how fine-tuning starts.

    The encoder's modules are shared, not copied; a pooler is added or left out as the head needs.
    """
    model = build_model(encoder.config, head)
    model.encoder.embeddings = encoder.embeddings
    model.encoder.blocks = encoder.blocks
    if model.encoder.pooler is not None and encoder.pooler is not None:
        model.encoder.pooler = encoder.pooler
    if isinstance(model.head, MaskedLMHead):
        model.head.tie(encoder.embeddings.word)
    return model
