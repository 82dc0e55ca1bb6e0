"""Models as a component of spaCy: entities in ``doc.ents``, classes in ``doc.cats``.

>>> import spacy
>>> nlp = spacy.blank("en")
>>> _ = nlp.add_pipe("squeezebert", config={"model": "squeezebert-small-ner", "threads": 1})
>>> [(ent.text, ent.label_) for ent in nlp("Marta Oliveira lives in Lisbon.").ents]
[('Marta Oliveira', 'PER'), ('Lisbon', 'LOC')]

spaCy finds the component by itself where the package is installed. It needs ``squeezebert[spacy]``.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from squeezebert.errors import CheckpointError, ConfigError, MissingDependencyError
from squeezebert.pipeline import CHUNK_TEXTS, Pipeline, load
from squeezebert.tasks import Entity, Regression, TextPrediction

if find_spec("spacy") is None:
    raise MissingDependencyError.for_extra("spacy", "spacy", "squeezebert.spacy")

import srsly
from spacy.language import Language
from spacy.pipeline.pipe import Pipe
from spacy.scorer import Scorer
from spacy.tokens import Doc
from spacy.util import ensure_path, filter_spans, minibatch

__all__ = ["SqueezeBert", "make_component"]

DEFAULTS: dict[str, Any] = {
    "model": "squeezebert-small-ner",
    "precision": "auto",
    "threads": None,
    "threshold": None,
    "overwrite_ents": False,
    "spans_key": None,
}


class SqueezeBert(Pipe):
    """A tagger or a classifier in a pipeline of spaCy; made by ``nlp.add_pipe("squeezebert")``.

    The model is loaded when the first text comes, so that a pipeline that was saved with it opens
    where the model's name leads nowhere.

    Args:
        name: Of the component.
        model: A model directory, the name of a shipped model, or one on the Hugging Face hub.
        precision: As for :func:`squeezebert.load`.
        threads: The same.
        threshold: The least score of an entity; of a label, where a text may have several.
        overwrite_ents: Whether entities that are there already go; else ours fill the rest.
        spans_key: Where in ``doc.spans`` the model's entities stand as well, with their scores as
            ``attrs["scores"]``; nowhere if None.
    """

    def __init__(
        self,
        name: str = "squeezebert",
        *,
        model: str = DEFAULTS["model"],
        precision: str = "auto",
        threads: int | None = None,
        threshold: float | None = None,
        overwrite_ents: bool = False,
        spans_key: str | None = None,
    ) -> None:
        self.name = name
        self.model = model
        self.precision = precision
        self.threads = threads
        self.threshold = threshold
        self.overwrite_ents = overwrite_ents
        self.spans_key = spans_key
        self._pipeline: Pipeline[Any] | None = None

    @property
    def pipeline(self) -> Pipeline[Any]:
        """The model.

        Raises:
            CheckpointError: no such model.
            ConfigError: one that neither tags nor classifies.
        """
        if self._pipeline is None:
            self._pipeline = self._opened(self.model)
        return self._pipeline

    @property
    def labels(self) -> tuple[str, ...]:
        """The types of entities, or the classes; none where the model is not there (yet): spaCy
        asks before it reads what :meth:`to_disk` wrote.
        """
        try:
            pipeline = self.pipeline
        except CheckpointError:
            return ()
        return tuple(getattr(pipeline.task, "types", None) or pipeline.labels)

    def _opened(self, model: str | Path) -> Pipeline[Any]:
        pipeline = load(model, precision=cast("Any", self.precision), threads=self.threads)
        if pipeline.task.name == "masked_lm":
            raise ConfigError(
                f"{pipeline.name} fills gaps, which a document of spaCy has no place for",
                hint="name a model for token_classification or text_classification",
            )
        return pipeline

    # Predictions

    def __call__(self, doc: Doc) -> Doc:
        """Sets the entities or classes of a document."""
        for done in self.pipe([doc]):
            return done
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = CHUNK_TEXTS) -> Iterator[Doc]:
        """The same for many, which the model takes ``batch_size`` at a time."""
        handle: Any = self.get_error_handler()
        for batch in minibatch(stream, size=batch_size):
            docs = list(batch)
            try:
                found = self.pipeline([doc.text for doc in docs], threshold=self.threshold)
                for doc, answer in zip(docs, found, strict=True):
                    self._annotate(doc, answer)
            except Exception as error:  # noqa: BLE001 - the pipeline says what is to be done
                handle(self.name, self, docs, error)
            else:
                yield from docs

    def _annotate(self, doc: Doc, answer: TextPrediction | Sequence[Entity]) -> None:
        if isinstance(answer, TextPrediction):
            told = answer.probabilities
            doc.cats |= {answer.label: answer.value} if isinstance(answer, Regression) else told
            return
        pairs: list[tuple[Any, float]] = []
        for entity in answer:
            # spaCy cuts words in its own way: an entity takes every token that it touches.
            span: Any = doc.char_span(
                entity.start, entity.end, label=entity.type, alignment_mode="expand"
            )
            if span is not None:
                pairs.append((span, entity.score))
        if self.spans_key is not None:
            doc.spans[self.spans_key] = [span for span, _ in pairs]
            doc.spans[self.spans_key].attrs["scores"] = [score for _, score in pairs]
        spans = filter_spans([span for span, _ in pairs])
        there = [] if self.overwrite_ents else list(doc.ents)
        taken = {token.i for span in there for token in span}
        free = [span for span in spans if not any(token.i in taken for token in span)]
        doc.set_ents([*there, *free])

    def score(self, examples: Iterable[Any], **options: Any) -> dict[str, Any]:
        """The scores of ``nlp.evaluate``: of entities ``ents_f`` and its like, of classes
        ``cats_score``.
        """
        if self.pipeline.task.name == "token_classification":
            return Scorer.score_spans(examples, "ents", **options)
        exclusive = self.pipeline.task.spec.problem_type == "single_label"
        return Scorer.score_cats(
            examples, "cats", labels=self.pipeline.labels, multi_label=not exclusive, **options
        )

    # To disk and back

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Writes the model itself, so that the pipeline opens on another machine."""
        del exclude
        target = cast("Path", ensure_path(path))
        beside = target.with_name(f"{target.name}.new")
        shutil.rmtree(beside, ignore_errors=True)
        # Whole before the old one goes, which may be the very one that it is copied from.
        self.pipeline.save(beside)
        shutil.rmtree(target, ignore_errors=True)
        beside.rename(target)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> SqueezeBert:
        """Opens what :meth:`to_disk` wrote."""
        del exclude
        self._pipeline = self._opened(cast("Path", ensure_path(path)))
        return self

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """The model's files in one piece."""
        del exclude
        with tempfile.TemporaryDirectory(prefix="squeezebert-") as folder:
            self.pipeline.save(Path(folder) / "model")
            files = sorted((Path(folder) / "model").iterdir())
            return srsly.msgpack_dumps({file.name: file.read_bytes() for file in files})

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> SqueezeBert:
        """Opens what :meth:`to_bytes` gave; the files lie in a temporary directory while the
        component lives.
        """
        del exclude
        folder = Path(tempfile.mkdtemp(prefix="squeezebert-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        for name, content in cast("dict[str, bytes]", srsly.msgpack_loads(data)).items():
            # A name with a directory in it would lead out of the folder.
            (folder / Path(name).name).write_bytes(content)
        self._pipeline = self._opened(folder)
        return self


def make_component(
    nlp: Language,
    name: str,
    model: str,
    precision: str,
    threads: int | None,
    threshold: float | None,
    overwrite_ents: bool,
    spans_key: str | None,
) -> SqueezeBert:
    """What spaCy calls for ``nlp.add_pipe("squeezebert", config={…})``; see :class:`SqueezeBert`
    for the settings.
    """
    del nlp
    return SqueezeBert(
        name,
        model=model,
        precision=precision,
        threads=threads,
        threshold=threshold,
        overwrite_ents=overwrite_ents,
        spans_key=spans_key,
    )


# As a call: spaCy's decorator has no types.
Language.factory(
    "squeezebert",
    assigns=["doc.ents", "doc.cats"],
    default_config=DEFAULTS,
    func=make_component,
)
