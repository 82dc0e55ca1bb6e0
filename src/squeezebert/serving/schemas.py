"""What goes over the wire: the bodies of requests and answers, as Hugging Face and OpenAI spell
them.

Unknown fields are refused rather than overlooked, so that a misspelled parameter is noticed.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Texts = Annotated[list[str], Field(min_length=1)]
# Told, not checked here: the task itself says better what is wrong.
Gapped = Annotated[str, Field(json_schema_extra={"pattern": r"\[MASK\]"})]
TopK = Annotated[int, Field(ge=1, le=100)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _InferenceRequest(_Request):
    options: dict[str, Any] | None = Field(
        default=None, description="As hosted clients send it; nothing here depends on it."
    )


# -- fill-mask ------------------------------------------------------------------------------------


class FillMaskParameters(_Request):
    """Choices for filling gaps."""

    top_k: TopK | None = Field(
        default=None, description="How many candidates a gap gets; 5 by default."
    )
    targets: list[str] | None = Field(
        default=None, description="Not supported: candidates come from the whole vocabulary."
    )


class FillMaskRequest(_InferenceRequest):
    """Texts with ``[MASK]`` where words are wanted."""

    inputs: Gapped | Annotated[list[Gapped], Field(min_length=1)]
    parameters: FillMaskParameters | None = None


class FilledToken(BaseModel):
    """A candidate for a gap."""

    score: float = Field(description="Its probability.")
    token: int = Field(description="Its id in the vocabulary.")
    token_str: str = Field(description="As the vocabulary writes it.")
    sequence: str = Field(description="The text with the token in the gap.")


FillMaskAnswer = list[FilledToken] | list[list[FilledToken] | list[list[FilledToken]]]
"""The candidates of a text's one gap; a list of them for each gap where it has several; a list of
either for several texts."""


# -- text-classification --------------------------------------------------------------------------


class TextPair(_Request):
    """Two texts that belong together."""

    text: str
    text_pair: str


class TextClassificationParameters(_Request):
    """Choices for classifying texts."""

    top_k: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="How many classes are told, best first; all by default."
    )
    function_to_apply: Literal["sigmoid", "softmax", "none"] | None = Field(
        default=None,
        description="What makes scores of logits; by default what the model was trained for.",
    )


class TextClassificationRequest(_InferenceRequest):
    """Texts, or pairs of texts, to classify."""

    inputs: str | TextPair | Annotated[list[str | TextPair], Field(min_length=1)]
    parameters: TextClassificationParameters | None = None


class ScoredLabel(BaseModel):
    """A class and its probability; for a regression the number itself."""

    label: str
    score: float


TextClassificationAnswer = list[list[ScoredLabel]]
"""The classes of each text, best first. A list for one text too, as the hosted API has it."""


# -- token-classification -------------------------------------------------------------------------


class TokenClassificationParameters(_Request):
    """Choices for finding entities."""

    aggregation_strategy: Literal["none", "simple", "first", "average", "max"] | None = Field(
        default=None,
        description="Whole words are tagged at their first token, which is what `first` means; "
        "`simple`, the hosted default, is answered likewise. The others are not supported.",
    )
    ignore_labels: list[str] | None = Field(default=None, description="Types that are not told.")
    stride: Annotated[int, Field(ge=0)] | None = Field(
        default=None,
        description="Long texts are read in overlapping windows whatever is said here.",
    )


class TokenClassificationRequest(_InferenceRequest):
    """Texts to find entities in."""

    inputs: str | Texts
    parameters: TokenClassificationParameters | None = None


class FoundEntity(BaseModel):
    """A named stretch of a text."""

    entity_group: str = Field(description="Its type.")
    score: float = Field(description="The least probability among the tags of its words.")
    word: str = Field(description="The stretch, as it stands in the text.")
    start: int = Field(description="Its first character.")
    end: int = Field(description="The character after its last.")


TokenClassificationAnswer = list[FoundEntity] | list[list[FoundEntity]]
"""The entities of a text; a list of them for several texts."""


# -- feature-extraction ---------------------------------------------------------------------------


class FeatureExtractionRequest(_InferenceRequest):
    """Texts to make vectors of. Here the parameters stand beside the inputs."""

    inputs: str | Texts
    normalize: bool | None = Field(default=None, description="To length 1; so by default.")
    truncate: bool | None = Field(
        default=None,
        description="Whether what is too long for the model is cut off (so by default) or refused.",
    )
    truncation_direction: Literal["left", "right"] | None = Field(
        default=None, description="Only `right`, the end, can be cut off."
    )
    prompt_name: str | None = Field(
        default=None, description="Not supported: write the prompt out."
    )
    dimensions: int | None = Field(default=None, description="Only what the model gives.")
    encoding_format: Literal["float", "base64"] | None = Field(
        default=None, description="Only `float`; /v1/embeddings has both."
    )


FeatureExtractionAnswer = list[float] | list[list[float]]
"""A vector for a text, a list of vectors for a list of texts."""


class EmbeddingsRequest(_Request):
    """Texts to make vectors of, as OpenAI's client asks for them."""

    input: str | Texts
    model: str = Field(description="A name out of /v1/models.")
    encoding_format: Literal["float", "base64"] | None = Field(
        default=None,
        description="Numbers, or the bytes of a little-endian float32 array in base64.",
    )
    dimensions: int | None = Field(default=None, description="Only what the model gives.")
    user: str | None = Field(default=None, description="Not used.")


class Embedding(BaseModel):
    """A vector."""

    object: Literal["embedding"] = "embedding"
    index: int = Field(description="The place of its text in the request.")
    embedding: list[float] | str


class Usage(BaseModel):
    """What was read, special tokens included."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingsAnswer(BaseModel):
    """The vectors of a request, in its order."""

    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str
    usage: Usage


# -- about the server -----------------------------------------------------------------------------


class ModelInfo(BaseModel):
    """A served model."""

    model_id: str
    task: str = Field(description="What POST /models/NAME answers.")
    labels: list[str]
    max_length: int = Field(description="The most tokens of one input.")
    dimensions: int = Field(description="The numbers of a vector.")
    precision: str
    instruction_set: str
    threads: int
    loaded: int = Field(description="How often it has been loaded: 1, and one more a reload.")


class ListedModel(BaseModel):
    """A model in OpenAI's list."""

    id: str
    object: Literal["model"] = "model"
    created: int = Field(description="When it was loaded, in seconds since 1970.")
    owned_by: Literal["squeezebert"] = "squeezebert"


class ListedModels(BaseModel):
    """The models that /v1/embeddings takes."""

    object: Literal["list"] = "list"
    data: list[ListedModel]


class State(BaseModel):
    """How the server is."""

    status: Literal["ok", "ready", "not ready"]


class Failure(BaseModel):
    """Why there is no answer, on one line."""

    error: str
    error_type: str = Field(examples=["queue_full"])
    hint: str | None = None


class OpenAIFault(BaseModel):
    """The same in the words of OpenAI's interface."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class OpenAIFailure(BaseModel):
    """Why there are no embeddings."""

    error: OpenAIFault
