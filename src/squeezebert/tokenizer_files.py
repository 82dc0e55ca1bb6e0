"""The files of a tokenizer: what stands in them, and what their settings mean."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import tokenizers
from tokenizers import normalizers, pre_tokenizers

from squeezebert.errors import CheckpointError, shown
from squeezebert.structured import parse_json, read_json

_LONGEST_SHOWN = 200
"""Characters of a library's own message that an error shows: one may quote a whole file."""


@dataclass(frozen=True, kw_only=True)
class Normalization:
    """What is done to a text before it is cut, under the names of ``tokenizer_config.json``.

    Args:
        do_lower_case: Capitals become small letters.
        strip_accents: Accents and vowel signs (category Mn) are taken off; None: as
            ``do_lower_case`` says.
        tokenize_chinese_chars: Each Chinese character is a word.
    """

    do_lower_case: bool = True
    strip_accents: bool | None = None
    tokenize_chinese_chars: bool = True

    def __str__(self) -> str:
        """For the digests of caches: the case alone where the rest is as usual."""
        unusual = asdict(self) != asdict(Normalization(do_lower_case=self.do_lower_case))
        return repr(self) if unusual else str(self.do_lower_case)


def set_normalization(inner: tokenizers.Tokenizer, normalization: Normalization) -> None:
    """Has a tokenizer cut texts as BERT does, under these settings."""
    inner.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=normalization.tokenize_chinese_chars,
        strip_accents=normalization.strip_accents,
        lowercase=normalization.do_lower_case,
    )
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()


@contextmanager
def library_errors(what: str) -> Generator[None]:
    """Turns what the library raises into a CheckpointError: a bare ``Exception``, or, from a
    panic in Rust, a ``BaseException`` that no ``except Exception`` stops.
    """
    try:
        yield
    except (TypeError, UnicodeEncodeError, CheckpointError):
        raise  # of a text, not of the tokenizer; or ours
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise CheckpointError(f"{what}: {str(error)[:_LONGEST_SHOWN]}") from error


def read_text(path: Path) -> str:
    """A file of a tokenizer.

    Raises:
        CheckpointError: it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")  # an editor may have put a byte-order mark
    except UnicodeDecodeError as error:
        raise CheckpointError(
            f"{path} is not UTF-8: {error.reason} at byte {error.start}"
        ) from error
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}") from error


def parse_object(text: str, path: Path) -> dict[str, Any]:
    """The JSON object in ``text``; ``path`` is for messages.

    Raises:
        CheckpointError: no JSON, or no object.
    """
    content = parse_json(text, str(path))
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} holds a {type(content).__name__}, expected an object")
    return cast("dict[str, Any]", content)


def section(content: dict[str, Any], name: str) -> dict[str, Any]:
    """The object under ``name``; an empty one where there is none."""
    found = content.get(name)
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


GENERIC_CLASSES = ("PreTrainedTokenizerFast", "TokenizersBackend")
"""Classes of ``tokenizer_config.json`` for which ``transformers`` takes ``tokenizer.json`` as it
is. For those of BERT it builds BERT's normalizer from the settings."""

_BERT_CLASSES = frozenset(
    f"{name}Tokenizer"
    for name in (
        "Bert",
        "ConvBert",
        "DistilBert",
        "Electra",
        "LayoutLM",
        "MegatronBert",
        "MobileBert",
        "RetriBert",
        "SqueezeBert",
    )
)


def class_named(config: dict[str, Any], path: Path) -> str | None:
    """The class that the ``tokenizer_config.json`` at ``path`` names, or else the ``config.json``
    beside it; None where neither does.

    Raises:
        CheckpointError: a class that finds words by a dictionary.
    """
    name = config.get("tokenizer_class")
    if name is None:
        model = path.with_name("config.json")
        name = read_json(model).get("tokenizer_class") if model.is_file() else None
    if name is not None and str(name).startswith("BertJapanese"):
        raise CheckpointError(
            f"{path.parent}: the tokenizer is a {shown(name)}, expected BERT's",
            hint="it finds words by a Japanese dictionary, which is not supported",
        )
    return None if name is None else str(name)


def is_berts(name: str | None) -> bool:
    """Whether a class cuts texts as BERT's; that is what no class means."""
    return name is None or name.removesuffix("Fast") in _BERT_CLASSES


def read_settings(path: Path) -> dict[str, Any] | None:
    """The ``tokenizer_config.json`` at ``path``, or None where there is none."""
    return read_json(path) if path.is_file() else None


def normalization_of(config: dict[str, Any], path: Path) -> Normalization:
    """The settings in a ``tokenizer_config.json``; ``path`` is for messages."""
    usual = asdict(Normalization())
    found = {name: config.get(name, usual[name]) for name in usual}
    for name, value in found.items():
        if not isinstance(value, bool) and not (name == "strip_accents" and value is None):
            raise CheckpointError(f"{path}: {name} is {value!r:.40}, expected true or false")
    return Normalization(**found)


def is_bert(content: dict[str, Any]) -> bool:
    """Whether a ``tokenizer.json`` cuts texts as BERT does, under some :class:`Normalization`."""
    normalizer = section(content, "normalizer")
    return (
        normalizer.get("type") == "BertNormalizer"
        and normalizer.get("clean_text") is True
        and section(content, "pre_tokenizer").get("type") == "BertPreTokenizer"
    )


def as_built(normalizer: dict[str, Any]) -> Normalization:
    """What the normalizer of a ``tokenizer.json`` does, as far as our settings can tell."""
    strip = normalizer.get("strip_accents")
    return Normalization(
        do_lower_case=bool(normalizer.get("lowercase", False)),
        strip_accents=strip if isinstance(strip, bool) else None,
        tokenize_chinese_chars=bool(normalizer.get("handle_chinese_chars", True)),
    )
