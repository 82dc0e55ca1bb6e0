"""JSON and dataclasses from plain values: bounded, typed, with messages of bounded length."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from squeezebert.errors import (
    LONGEST_HINT,
    LONGEST_MESSAGE,
    CheckpointError,
    ConfigError,
    DataError,
    SqueezeBertError,
    shown,
)
from squeezebert.structured import MAX_DEPTH, build, from_mapping, parse_json, read_json


@dataclass(frozen=True)
class Inner:
    path: str
    size: int = 1


@dataclass(frozen=True)
class Outer:
    name: str
    rate: float = 1.0
    kind: Literal["a", "b"] = "a"
    rows: tuple[tuple[float | None, ...], ...] = ()
    inner: Inner | None = None
    by_name: Mapping[str, Inner] | None = None
    flag: bool = False


FULL: dict[str, Any] = {
    "name": "x",
    "rate": 2,
    "kind": "b",
    "rows": [[1, None, 0.5]],
    "inner": {"path": "p"},
    "by_name": {"q": {"path": "r", "size": 3}},
    "flag": True,
}


def test_both_ways_convert_alike() -> None:
    built = build(Outer, FULL, "file")
    assert built == from_mapping(Outer, FULL, "recipe")
    assert built.rate == 2.0
    assert type(built.rate) is float
    assert built.rows == ((1.0, None, 0.5),)
    assert built.by_name == {"q": Inner("r", 3)}


def test_a_recipe_takes_shorthands_and_a_file_does_not() -> None:
    values = {"name": "x", "inner": "p"}
    assert from_mapping(Outer, values, "recipe").inner == Inner("p")
    with pytest.raises(DataError, match=r"file\.inner is 'p', expected an object"):
        build(Outer, values, "file")
    assert build(Outer, {"name": "x", "more": 1}, "file") == Outer("x")
    with pytest.raises(ConfigError, match="no setting is called 'more'"):
        from_mapping(Outer, {"name": "x", "more": 1}, "recipe")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", 5, "expected a string"),
        ("name", None, "expected a string"),
        ("rate", "1", "expected a number"),
        ("rate", True, "expected a number"),
        ("rate", 10**400, "too large"),
        ("kind", "c", "expected one of a, b"),
        ("kind", ["a"], "expected one of a, b"),
        ("rows", 5, "expected a list"),
        ("rows", [5], "expected a list"),
        ("rows", [["x"]], "expected a number"),
        ("inner", [], "expected an object"),
        ("inner", {"path": "p", "size": 1.5}, "expected a whole number"),
        ("by_name", [1], "expected an object"),
        ("flag", 1, "expected true or false"),
    ],
)
def test_values_of_other_kinds_are_refused(field: str, value: object, message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        build(Outer, FULL | {field: value}, "file", CheckpointError)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "not readable JSON"),
        (b"\xff{}", "not readable JSON"),
        (b'{"a": NaN}', "NaN is not a number"),
        (b'{"a": -Infinity}', "is not a number"),
        (b'{"a": 1e999}', "too large"),
        (b'{"a": 1, "a": 2}', "'a' stands twice"),
        (b'{"a": ' + b"1" * 5000 + b"}", "not readable JSON"),
        (b'{"a": ' + b"[" * 70 + b"]" * 70 + b"}", "levels deep"),
        (b"[" * 100_000, "levels deep"),
        (b"[1]", "holds a list"),
    ],
)
def test_what_is_no_json_of_ours_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=message):
        read_json(path)


def test_depth_and_size_up_to_the_limit_are_read(tmp_path: Path) -> None:
    deepest = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert isinstance(parse_json(deepest, "x"), list)
    path = tmp_path / "x.json"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert read_json(path, max_bytes=20) == {"a": 1}
    with pytest.raises(CheckpointError, match="longer than"):
        read_json(path, max_bytes=5)
    with pytest.raises(CheckpointError, match="there is no y"):
        read_json(tmp_path / "y")
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_json(tmp_path)


@pytest.mark.parametrize(
    "value",
    ["x" * 300_000, ["y" * 1000] * 1000, {"k" * 9000: [{}]}, b"z" * 9999, 10**4000, [[[[[["a"]]]]]],
     "\x1b[31m\u202e"],
)  # fmt: skip
def test_values_are_shown_short_and_printable(value: object) -> None:
    assert len(shown(value)) <= 330
    assert shown(value).isprintable()


def test_messages_are_bounded_and_printable() -> None:
    error = SqueezeBertError("a\x07b\nc" + "x" * 10**6, hint="\x1b" * 10**6)
    assert len(error.message) <= LONGEST_MESSAGE
    assert "a\\x07b\nc" in error.message
    assert error.hint is not None
    assert len(error.hint) <= LONGEST_HINT
    assert error.hint.isprintable()
