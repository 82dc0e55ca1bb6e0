"""Texts as vectors, as a transformer of scikit-learn."""

from __future__ import annotations

from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from squeezebert.embedding import TextEncoder
from squeezebert.sklearn.inputs import Texts, of_texts, one_text, texts_of


class SqueezeBertVectorizer(TransformerMixin, BaseEstimator):
    """Texts as vectors, for any estimator that follows.

    Args:
        model: A shipped model, a directory, or a name on the hub; best one that was made for
            sentences.
        normalize: Whether vectors have length 1.
        max_length: The most tokens of a text; what the model was made for where None.
        precision: As for :class:`squeezebert.TextEncoder`.
        threads: CPU threads; all usable cores where None.

    >>> from squeezebert.sklearn import SqueezeBertVectorizer
    >>> SqueezeBertVectorizer("squeezebert-mini-mlm", threads=1).transform(["Hello."]).shape
    (1, 256)
    """

    def __init__(
        self,
        model: str = "squeezebert-small-mlm",
        *,
        normalize: bool = True,
        max_length: int | None = None,
        precision: str = "auto",
        threads: int | None = None,
    ) -> None:
        self.model = model
        self.normalize = normalize
        self.max_length = max_length
        self.precision = precision
        self.threads = threads

    def fit(self, X: Texts, y: object = None) -> Self:  # noqa: N803
        """Loads the model; there is nothing to learn from ``X``."""
        del y
        texts_of(X)
        self._encoder()
        return self

    def transform(self, X: Texts) -> NDArray[np.float32]:  # noqa: N803
        """(texts, width) float32."""
        return self._encoder()([one_text(text) for text in texts_of(X)], normalize=self.normalize)

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """(width,) ``squeezebertvectorizer0`` and so on, as scikit-learn names them."""
        del input_features
        width = self._encoder().engine.config.hidden_size
        name = type(self).__name__.lower()
        return np.array([f"{name}{at}" for at in range(width)], dtype=object)

    def _encoder(self) -> TextEncoder:
        settings = (self.model, self.max_length, self.precision, self.threads)
        if getattr(self, "_loaded", None) != settings:
            self.encoder_ = TextEncoder.load(
                self.model,
                precision=self.precision,
                threads=self.threads,
                max_length=self.max_length,
            )
            self._loaded = settings
        return self.encoder_

    def __getstate__(self) -> dict[str, Any]:
        state = dict(cast("dict[str, Any]", super().__getstate__()))
        for name in ("encoder_", "_loaded"):
            state.pop(name, None)
        return state

    def __sklearn_tags__(self) -> Any:
        tags = of_texts(super().__sklearn_tags__())
        tags.requires_fit = False
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return True
