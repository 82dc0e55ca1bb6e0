"""Recipes as TOML: reading with overrides, writing what came of it."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast, overload

from squeezebert.errors import ConfigError
from squeezebert.structured import from_mapping
from squeezebert.training.recipe.run import (
    RUN_ONLY,
    FinetuneRecipe,
    PretrainRecipe,
    Recipe,
    RecipeKind,
)


@overload
def load_recipe(
    path: Path | str | None, kind: Literal["finetune"], overrides: Mapping[str, str] = ...
) -> FinetuneRecipe: ...
@overload
def load_recipe(
    path: Path | str | None, kind: Literal["pretrain"], overrides: Mapping[str, str] = ...
) -> PretrainRecipe: ...
def load_recipe(
    path: Path | str | None, kind: RecipeKind, overrides: Mapping[str, str] | None = None
) -> Recipe:
    """The recipe of a TOML file with settings replaced.

    Args:
        path: The file; None starts from the defaults.
        kind: Which sort of recipe.
        overrides: Settings by dotted name, with values as TOML writes them; a value that is not
            TOML is taken as a string. ``{"loop.max_steps": "100", "data.train": "ag_news"}``.

    Raises:
        ConfigError: no such file, not TOML, an unknown setting (near names are shown), or a value
            that cannot be.

    >>> load_recipe(None, "pretrain", {"loop.max_steps": "100"}).loop.max_steps
    100
    """
    values = {} if path is None else read_values(path)
    set_values(values, overrides or {})
    cls = FinetuneRecipe if kind == "finetune" else PretrainRecipe
    return from_mapping(cls, values, "the recipe" if path is None else str(path))


def read_values(path: Path | str) -> dict[str, Any]:
    """The content of a TOML file.

    Raises:
        ConfigError: no such file, or not TOML.
    """
    path = Path(path)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"cannot read the recipe {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error


def set_values(values: dict[str, Any], overrides: Mapping[str, str]) -> None:
    """Puts settings by dotted name into nested ``values``; see :func:`load_recipe`.

    Raises:
        ConfigError: a name that goes through something that is not a section.
    """
    for name, text in overrides.items():
        _set(values, name.split("."), _parse(text))


def merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Nested settings, each layer over the ones before.

    >>> merged({"loop": {"epochs": 3, "seed": 0}}, {"loop": {"epochs": 5}})
    {'loop': {'epochs': 5, 'seed': 0}}
    """
    values: dict[str, Any] = {}
    for layer in layers:
        for name, value in layer.items():
            before: Any = values.get(name)
            if isinstance(value, Mapping) and isinstance(before, Mapping):
                value = merged(cast(Mapping[str, Any], before), cast(Mapping[str, Any], value))
            values[name] = value
    return values


def _parse(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _set(values: dict[str, Any], names: Sequence[str], value: Any) -> None:
    for name in names[:-1]:
        inner = values.setdefault(name, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"{'.'.join(names)}: {name} is not a section")
        values = inner
    values[names[-1]] = value


def to_mapping(recipe: Recipe) -> dict[str, Any]:
    """The recipe as nested plain values, every setting included."""
    return json.loads(json.dumps(dataclasses.asdict(recipe)))


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by dotted name."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def lasting_settings(recipe: Recipe) -> dict[str, Any]:
    """The settings by dotted name that a resumed run must have in common with its beginning."""
    flat = flatten(to_mapping(recipe))
    return {name: value for name, value in flat.items() if name not in RUN_ONLY}


def changed_settings(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What differs, in words; empty where nothing does.

    >>> changed_settings({"loop.seed": 0, "name": "a"}, {"loop.seed": 1, "name": "a"})
    'loop.seed was 0, is 1'
    """
    return ", ".join(
        f"{name} was {before.get(name)!r}, is {now.get(name)!r}"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    )


def save_recipe(recipe: Recipe, path: Path) -> None:
    """Writes the resolved recipe as TOML; :func:`load_recipe` gives it back equal."""
    values = to_mapping(recipe)
    plain = {name: value for name, value in values.items() if not isinstance(value, dict)}
    sections = {name: value for name, value in values.items() if isinstance(value, dict)}
    lines = [f"{name} = {_toml(value)}" for name, value in plain.items()]
    for section, settings in sections.items():
        lines += ["", f"[{section}]"]
        lines += [f"{name} = {_toml(value)}" for name, value in settings.items()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{json.dumps(name)} = {_toml(v)}" for name, v in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list):
        return f"[{', '.join(_toml(item) for item in value)}]"
    # JSON's numbers, booleans and ASCII-escaped strings are TOML's too (beyond the basic plane
    # JSON escapes in surrogate pairs, which TOML refuses: hence ensure_ascii=False).
    return json.dumps(value, ensure_ascii=False)
