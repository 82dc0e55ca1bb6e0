"""Special and added tokens of a tokenizer: what the files beside it say of them.

``transformers`` has written them in four ways over the years: ``pad_token`` and its like and
``added_tokens_decoder`` in ``tokenizer_config.json``, and, where that has no
``added_tokens_decoder``, ``special_tokens_map.json`` and ``added_tokens.json``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import tokenizers
from tokenizers import AddedToken

from squeezebert.errors import CheckpointError, shown
from squeezebert.structured import read_json

ROLE_FIELDS = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
"""In the order of the roles everywhere."""

SPECIAL_TOKENS_MAP, ADDED_TOKENS = "special_tokens_map.json", "added_tokens.json"

_DECODER = "added_tokens_decoder"
_EXTRA = ("extra_special_tokens", "additional_special_tokens")
_FLAGS = ("single_word", "lstrip", "rstrip", "normalized")


@dataclass(frozen=True, kw_only=True)
class Added:
    """The names of the roles, and the tokens that are found in a text as they stand.

    Args:
        roles: By :data:`ROLE_FIELDS`, those that are named.
        tokens: In the order in which they are added; the first of a name counts.
        ids: The ids that the files give some of them.
    """

    roles: Mapping[str, str]
    tokens: Sequence[AddedToken]
    ids: Mapping[str, int]

    def named(self, usual: Sequence[str]) -> tuple[str, ...]:
        """The five roles, the ``usual`` name where none is given."""
        return tuple(
            self.roles.get(field, name) for field, name in zip(ROLE_FIELDS, usual, strict=True)
        )


def read_added(config: Mapping[str, Any], path: Path) -> Added:
    """What ``config``, the ``tokenizer_config.json`` at ``path``, and the files beside it say.

    Raises:
        CheckpointError: a value that is no token.
    """
    if config.get("split_special_tokens"):
        raise CheckpointError(
            f"{path}: split_special_tokens is {shown(config['split_special_tokens'])}, "
            "expected false",
            hint="a special token in a text is read as that token",
        )
    given: dict[str, tuple[Any, Path]] = {
        name: (config[name], path) for name in (*ROLE_FIELDS, *_EXTRA) if name in config
    }
    tokens: list[AddedToken] = []
    ids: dict[str, int] = {}
    decoder = config.get(_DECODER)
    if decoder is not None:
        for key, value in _object(decoder, _DECODER, path).items():
            token = _token(value, f"{_DECODER} of {shown(key)}", path)
            ids[token.content] = _id(key, token.content, path)
            tokens.append(token)
        tokens.sort(key=lambda token: ids[token.content])
    else:
        beside = path.with_name(SPECIAL_TOKENS_MAP)
        if beside.is_file():
            values = read_json(beside)
            given |= {n: (values[n], beside) for n in (*ROLE_FIELDS, *_EXTRA) if n in values}
    roles: dict[str, str] = {}
    special: list[AddedToken] = []
    for name in ROLE_FIELDS:
        value, where = given.get(name, (None, path))
        if value is not None:
            token = _token(value, name, where, special=True)
            roles[name] = token.content
            special.append(token)
    for name in _EXTRA:
        value, where = given.get(name, (None, path))
        if value:
            listed = list(value.values()) if isinstance(value, dict) else value
            if not isinstance(listed, list):
                raise CheckpointError(f"{where}: {name} is {shown(value)}, expected a list")
            special += [_token(one, name, where, special=True) for one in cast(list[Any], listed)]
            break
    added = path.with_name(ADDED_TOKENS)
    if decoder is None and added.is_file():
        names = {token.content for token in special}
        for content, value in read_json(added).items():
            ids[content] = _id(value, content, added)
            if content not in names:
                tokens.append(AddedToken(content, normalized=True))
        tokens.sort(key=lambda token: ids[token.content])
        special.sort(key=lambda token: ids.get(token.content, -1))
    return Added(roles=roles, tokens=[*tokens, *special], ids=ids)


def add_to(inner: tokenizers.Tokenizer, added: Added, where: Path) -> None:
    """Adds what is not there yet.

    Raises:
        CheckpointError: the vocabulary has another id for a token than the files say.
    """
    there = {token.content for token in inner.get_added_tokens_decoder().values()}
    for token in added.tokens:
        if token.content in there:
            continue
        there.add(token.content)
        inner.add_tokens([token])
        expected, got = added.ids.get(token.content), inner.token_to_id(token.content)
        if expected is not None and got != expected:
            raise CheckpointError(
                f"{where}: {shown(token.content)} is added as id {expected}, but the vocabulary "
                f"makes it {got}",
                hint="the files of two tokenizers lie in the directory",
            )


def _token(value: object, name: str, path: Path, *, special: bool = False) -> AddedToken:
    if isinstance(value, str):
        value = {"content": value}
    if not isinstance(value, dict):
        raise CheckpointError(f"{path}: {name} is {shown(value)}, expected a token")
    fields = cast(dict[str, Any], value)
    content = fields.get("content")
    if not isinstance(content, str) or not content:
        raise CheckpointError(f"{path}: {name} is {shown(value)}, expected a token with a content")
    special = special or fields.get("special") is True
    flags = {flag: fields.get(flag, flag == "normalized" and not special) for flag in _FLAGS}
    for flag, on in flags.items():
        if not isinstance(on, bool):
            raise CheckpointError(
                f"{path}: {flag} of {name} is {shown(on)}, expected true or false"
            )
    return AddedToken(content, special=special, **flags)


def _object(value: object, name: str, path: Path) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise CheckpointError(f"{path}: {name} is {shown(value)}, expected an object")
    return cast(dict[str, Any], value)


def _id(value: object, content: str, path: Path) -> int:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10:
        value = int(value)
    if type(value) is not int or not 0 <= value < 1 << 24:
        raise CheckpointError(f"{path}: the id of {shown(content)} is {shown(value)}")
    return value


def written(inner: tokenizers.Tokenizer) -> dict[str, dict[str, Any]]:
    """The added tokens of a tokenizer, as ``tokenizer_config.json`` holds them."""
    return {
        str(index): {
            "content": token.content,
            "lstrip": token.lstrip,
            "normalized": token.normalized,
            "rstrip": token.rstrip,
            "single_word": token.single_word,
            "special": token.special,
        }
        for index, token in sorted(inner.get_added_tokens_decoder().items())
    }
