"""Models as estimators of scikit-learn: in its pipelines, its grid searches, its metrics.

>>> from squeezebert.sklearn import SqueezeBertVectorizer
>>> vectorizer = SqueezeBertVectorizer("squeezebert-mini-mlm", threads=1)
>>> vectorizer.fit_transform(["Good morning!", "Good evening!"]).shape
(2, 256)

Fitting needs ``squeezebert[train]``, all of it ``squeezebert[sklearn]``. A fitted estimator holds
its model as files in memory when it is pickled, so that it goes to other processes and to disk.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, cast

import numpy as np
from numpy.typing import NDArray

from squeezebert.data.examples import TextExample, TokenExample
from squeezebert.embedding import TextEncoder
from squeezebert.errors import InvalidInputError, MissingDependencyError
from squeezebert.pipeline import Pipeline, load
from squeezebert.tasks.entities import EntityCounts

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
    from sklearn.utils.validation import check_is_fitted
except ImportError as error:
    raise MissingDependencyError.for_extra(
        "scikit-learn", "sklearn", "squeezebert.sklearn"
    ) from error

if TYPE_CHECKING:
    from squeezebert.spec import TaskName
    from squeezebert.training.recipe.run import FinetuneRecipe

DEV_SHARE = 0.1
"""Of the rows, held out to keep the best weights and to calibrate probabilities; 20 at most a
class."""

Texts = Sequence[Any] | NDArray[Any]


class _Trained(BaseEstimator):
    """What the two estimators that are trained share."""

    model: str
    epochs: float
    learning_rate: float
    batch_size: int
    max_length: int
    precision: str
    threads: int | None
    seed: int

    def _recipe(self, task: TaskName) -> FinetuneRecipe:
        from squeezebert.training.recipe.run import (
            FinetuneRecipe,
            LoopRecipe,
            ModelRecipe,
            OptimizerRecipe,
        )

        return FinetuneRecipe(
            task=task,
            max_length=self.max_length,
            model=ModelRecipe(start=self.model),
            optimizer=OptimizerRecipe(learning_rate=self.learning_rate),
            loop=LoopRecipe(
                epochs=self.epochs,
                batch_size=self.batch_size,
                seed=self.seed,
                torch_threads=self.threads or 0,
                tensorboard=False,
            ),
        )

    def _train(self, recipe: FinetuneRecipe, data: Any) -> None:
        try:
            from squeezebert.training.finetuning.finetune import finetune
        except ImportError as error:
            raise MissingDependencyError.for_extra("torch", "train", "fitting a model") from error
        with tempfile.TemporaryDirectory(prefix="squeezebert-") as folder:
            finetune(recipe, Path(folder) / "model", data=data)
            self._files = _read(Path(folder) / "model")
        self._open()

    def _open(self) -> None:
        # The engine maps the files, so they stay as long as the estimator does.
        folder = Path(tempfile.mkdtemp(prefix="squeezebert-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        _write(self._files, folder)
        self.pipeline_: Pipeline = load(folder, precision=self.precision, threads=self.threads)

    def save(self, directory: str | Path) -> None:
        """Writes the fitted model as a directory that :func:`squeezebert.load` and the command
        line take.

        Raises:
            InvalidInputError: something is there already.
        """
        from squeezebert.files import appearing

        check_is_fitted(self, "pipeline_")
        with appearing(Path(directory)) as temporary:
            _write(self._files, temporary)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(cast("dict[str, Any]", super().__getstate__()))
        state.pop("pipeline_", None)
        return state

    def __sklearn_tags__(self) -> Any:
        return _of_texts(super().__sklearn_tags__())

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "_files" in state:
            self._open()


class SqueezeBertClassifier(ClassifierMixin, _Trained):
    """Classes of texts by a fine-tuned model.

    Args:
        model: What training starts from: a shipped masked LM, a directory, or a name on the hub.
        epochs: Passes over the rows.
        learning_rate: The peak; 0: what suits the model's width.
        batch_size: Rows a step.
        max_length: The most tokens of a text; the rest is cut off.
        class_weight: ``balanced`` has rows of rare classes read as often as those of the most
            frequent; None leaves them.
        precision: As for :func:`squeezebert.load`, to predict.
        threads: CPU threads; all usable cores where None.
        seed: Fixes what is drawn at random.

    Attributes:
        classes_: The classes, sorted, as they stand in ``y``.
        pipeline_: The fitted model.

    >>> from squeezebert.sklearn import SqueezeBertClassifier
    >>> SqueezeBertClassifier(epochs=5)
    SqueezeBertClassifier(epochs=5)
    """

    def __init__(
        self,
        model: str = "squeezebert-small-mlm",
        *,
        epochs: float = 3.0,
        learning_rate: float = 0.0,
        batch_size: int = 16,
        max_length: int = 128,
        class_weight: Literal["balanced"] | None = None,
        precision: str = "auto",
        threads: int | None = None,
        seed: int = 0,
    ) -> None:
        self.model = model
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_length = max_length
        self.class_weight = class_weight
        self.precision = precision
        self.threads = threads
        self.seed = seed

    def fit(self, X: Texts, y: Sequence[Any] | NDArray[Any]) -> Self:  # noqa: N803 - scikit-learn's
        """Fine-tunes the model.

        Args:
            X: Texts, or pairs of texts.
            y: A class each: strings, numbers or booleans.

        Raises:
            InvalidInputError: something that is not a text, ``X`` and ``y`` of different lengths,
                fewer than two classes or fewer than two rows of one.
        """
        from squeezebert.training.finetuning.datasets import TrainingData

        texts = _texts(X)
        classes, codes = np.unique(np.asarray(y), return_inverse=True)
        names = [str(name) for name in classes.tolist()]
        if len(texts) != len(codes):
            raise InvalidInputError(f"X has {len(texts)} rows, but y {len(codes)}")
        if len(classes) < 2 or len(set(names)) < len(classes):
            raise InvalidInputError(
                f"y holds the classes {', '.join(names) or 'none'}, expected two that differ in "
                "writing, or more"
            )
        counts = np.bincount(codes)
        if counts.min() < 2:
            rare = names[int(counts.argmin())]
            raise InvalidInputError(
                f"y holds the class {rare!r} once only: a row of each class is held out"
            )
        self.classes_ = classes
        train, dev = _held_out(codes, self.seed)
        if self.class_weight == "balanced":
            most = np.bincount(codes[train]).max()
            repeats = np.rint(most / np.bincount(codes[train])[codes[train]]).astype(int)
            train = np.repeat(train, repeats)
        parts = [
            [_text_example(texts[at], names[codes[at]]) for at in part.tolist()]
            for part in (train, dev)
        ]
        data = TrainingData.of(train=parts[0], dev=parts[1], labels=tuple(names))
        self._train(self._recipe("text_classification"), data)
        return self

    def predict_proba(self, X: Texts) -> NDArray[np.float64]:  # noqa: N803
        """(texts, classes) probabilities, in the order of ``classes_``."""
        check_is_fitted(self, "pipeline_")
        examples = [_text_example(text, None) for text in _texts(X)]
        answers = self.pipeline_.predict(examples)
        rows = [list(answer.scores.values()) for answer in answers]
        return np.array(rows, dtype=np.float64).reshape(len(rows), len(self.classes_))

    def predict(self, X: Texts) -> NDArray[Any]:  # noqa: N803
        """(texts,) the most probable class of each."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class SqueezeBertTagger(_Trained):
    """A tag for each word by a fine-tuned model.

    Args:
        model: As for :class:`SqueezeBertClassifier`, and so are the others.
        epochs: Passes over the sentences.
        learning_rate: The peak; 0: what suits the model's width.
        batch_size: Sentences a step.
        max_length: The most tokens of an input; longer texts go in as several.
        precision: To predict.
        threads: CPU threads; all usable cores where None.
        seed: Fixes what is drawn at random.

    Attributes:
        classes_: The tags, ``O`` first.
        pipeline_: The fitted model.

    >>> from squeezebert.sklearn import SqueezeBertTagger
    >>> SqueezeBertTagger(threads=1)
    SqueezeBertTagger(threads=1)
    """

    def __init__(
        self,
        model: str = "squeezebert-small-mlm",
        *,
        epochs: float = 3.0,
        learning_rate: float = 0.0,
        batch_size: int = 16,
        max_length: int = 128,
        precision: str = "auto",
        threads: int | None = None,
        seed: int = 0,
    ) -> None:
        self.model = model
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_length = max_length
        self.precision = precision
        self.threads = threads
        self.seed = seed

    def fit(self, X: Texts, y: Sequence[Sequence[str]]) -> Self:  # noqa: N803
        """Fine-tunes the model.

        Args:
            X: Sentences, each a sequence of words.
            y: IOB2 tags, as many as words.

        Raises:
            InvalidInputError: sentences that are no words, tags that are not IOB2, or not as many
                as words; fewer than two sentences.
        """
        from squeezebert.data.tags import iob2_labels
        from squeezebert.tasks.entities import split_tag
        from squeezebert.training.finetuning.datasets import TrainingData

        examples = _sentences(X, y)
        if len(examples) < 2:
            raise InvalidInputError("X holds fewer than two sentences: one is held out")
        kinds = dict.fromkeys(split_tag(tag)[1] for one in examples for tag in one.tags or ())
        self.classes_ = np.array(iob2_labels([kind for kind in kinds if kind]))
        train, dev = _held_out(np.zeros(len(examples), dtype=np.int64), self.seed)
        data = TrainingData.of(
            train=[examples[at] for at in train.tolist()],
            dev=[examples[at] for at in dev.tolist()],
            labels=tuple(self.classes_.tolist()),
        )
        self._train(self._recipe("token_classification"), data)
        return self

    def predict(self, X: Texts) -> list[list[str]]:  # noqa: N803
        """The tag of each word of each sentence."""
        from squeezebert.tasks.token_classification import TokenClassification

        check_is_fitted(self, "pipeline_")
        task = self.pipeline_.task
        assert isinstance(task, TokenClassification)
        examples = _sentences(X, None)
        answers = self.pipeline_.answer(examples)
        return task.tags(examples, answers.features, answers.reduced)

    def score(self, X: Texts, y: Sequence[Sequence[str]]) -> float:  # noqa: N803
        """The F1 of whole entities."""
        counts = EntityCounts()
        for true, predicted in zip(y, self.predict(X), strict=True):
            counts.add(true=true, predicted=predicted)
        right, told, there = (
            sum(counter.values()) for counter in (counts.right, counts.predicted, counts.true)
        )
        return 2 * right / max(1, told + there)


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
        _texts(X)
        self._encoder()
        return self

    def transform(self, X: Texts) -> NDArray[np.float32]:  # noqa: N803
        """(texts, width) float32."""
        return self._encoder()([_one_text(text) for text in _texts(X)], normalize=self.normalize)

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
        tags = _of_texts(super().__sklearn_tags__())
        tags.requires_fit = False
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return True


def _of_texts(tags: Any) -> Any:
    """What scikit-learn is told of an estimator: it takes texts, no arrays of numbers."""
    tags.input_tags.string = True
    tags.input_tags.one_d_array = True
    tags.input_tags.two_d_array = False
    return tags


def _texts(values: Texts) -> list[Any]:
    """The rows of a list, an array, a column of a data frame.

    Raises:
        InvalidInputError: one string instead of several, or something else.
    """
    if isinstance(values, str) or not hasattr(values, "__len__"):
        raise InvalidInputError(
            f"X is of type {type(values).__name__}, expected a list, array or column of texts"
        )
    rows: Any = values
    if getattr(rows, "ndim", 1) == 2 and rows.shape[1] == 1:  # a data frame of one column
        rows = np.asarray(rows)[:, 0]
    elif getattr(rows, "ndim", 1) != 1:
        raise InvalidInputError(
            f"X has the shape {tuple(rows.shape)}, expected a row of texts",
            hint="select the column of the texts",
        )
    return list(rows)


def _one_text(text: object) -> str:
    if not isinstance(text, str):
        raise InvalidInputError(f"X holds {text!r:.80}, expected texts")
    return str(text)


def _text_example(text: object, label: str | None) -> TextExample:
    if isinstance(text, (tuple, list)) and len(text) == 2:
        return TextExample(text=_one_text(text[0]), pair=_one_text(text[1]), label=label)
    return TextExample(text=_one_text(text), label=label)


def _sentences(values: Texts, tags: Sequence[Sequence[str]] | None) -> list[TokenExample]:
    rows = _texts(values)
    if tags is not None and len(rows) != len(tags):
        raise InvalidInputError(f"X has {len(rows)} rows, but y {len(tags)}")
    examples: list[TokenExample] = []
    for at, words in enumerate(rows):
        if isinstance(words, str):
            raise InvalidInputError(
                f"row {at} of X is a string, expected a sequence of words",
                hint="split it into words first; raw texts go to squeezebert.load(...)",
            )
        own = None if tags is None else [str(tag) for tag in tags[at]]
        examples.append(TokenExample.from_words([_one_text(word) for word in words], own))
    return examples


def _held_out(codes: NDArray[np.int64], seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of the rows to train on, and of those held out: a tenth of each class."""
    order = np.random.default_rng(seed).permutation(len(codes))
    wanted = {
        code: min(20, max(1, round(DEV_SHARE * count)))
        for code, count in Counter(codes.tolist()).items()
    }
    dev: list[int] = []
    train: list[int] = []
    for at in order.tolist():
        code = int(codes[at])
        if wanted[code]:
            wanted[code] -= 1
            dev.append(at)
        else:
            train.append(at)
    return np.array(sorted(train), dtype=np.int64), np.array(sorted(dev), dtype=np.int64)


def _read(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def _write(files: dict[str, bytes], folder: Path) -> None:
    for name, content in files.items():
        (folder / name).write_bytes(content)
