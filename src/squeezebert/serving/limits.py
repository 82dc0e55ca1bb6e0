"""How much a server takes on."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from squeezebert.backends.engine_backend import BATCH_TOKENS
from squeezebert.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a request may ask for, and what may wait.

    Args:
        body_bytes: The largest body of a request.
        texts: The most texts of a request.
        tokens: The most tokens of a request, special ones included, all its texts together.
        requests: The most requests whose bodies are read or answered at one time.
        queue_tokens: The most tokens that wait for one model; beyond it requests are refused.
        batch_tokens: The most tokens that go to the engine together.
        deadline_seconds: How long a request may take from its first byte to its answer. A client
            may ask for less.

    Raises:
        ConfigError: a limit below 1, or a queue that the largest request would not fit into.

    >>> Limits(texts=8).texts
    8
    """

    body_bytes: int = 1 << 20
    texts: int = 256
    tokens: int = 32_768
    requests: int = 1024
    queue_tokens: int = 131_072
    batch_tokens: int = BATCH_TOKENS
    deadline_seconds: float = 30.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            least = 0.001 if field.name == "deadline_seconds" else 1
            if not (math.isfinite(value) and value >= least):
                raise ConfigError(f"{field.name} is {value}, expected {least} or more")
        if self.queue_tokens < self.tokens:
            raise ConfigError(
                f"queue_tokens is {self.queue_tokens}, but one request may have {self.tokens} "
                "tokens",
                hint="raise queue_tokens, or lower the tokens of a request",
            )
