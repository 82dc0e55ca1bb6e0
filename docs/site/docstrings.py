"""Docstrings as Markdown, for the reference: examples as code, cross-references as links.

In the sources an example is a doctest and a cross-reference a role, ``:func:`squeezebert.load```;
Markdown knows neither. A griffe extension, which ``zensical.toml`` names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from griffe import Alias, Class, Extension, Module, Object

from docs.site.pages import REFERENCE, members

ROLE = re.compile(r":[a-z]+:`[~!]?(?P<path>[\w.]+)`")
DOCTEST = re.compile(r"^(?P<indent> *)>>> .*(?:\n(?!\s*$).*)*", re.MULTILINE)


class Docstrings(Extension):
    """Rewrites the docstrings of a package as soon as its sources are read."""

    def on_package(self, *, pkg: Module, **_: Any) -> None:
        """Called by griffe."""
        known = set(anchors(pkg))
        for thing in walk(pkg):
            if thing.docstring is not None:
                thing.docstring.value = markdown(thing.docstring.value, thing.path, known)


def markdown(docstring: str, home: str, known: set[str]) -> str:
    """The docstring of ``home``: doctests in fences, roles as links where they lead anywhere."""

    def link(match: re.Match[str]) -> str:
        path = match["path"]
        name = re.sub(r"^([a-z_0-9]+\.)+(?=\w)", "", path)
        scopes = ["", *accumulate(f"{part}." for part in home.split("."))]
        found = [scope + path for scope in scopes if scope + path in known]
        return f"[`{name}`][{found[-1]}]" if found else f"`{name}`"

    def fence(match: re.Match[str]) -> str:
        return f"{match['indent']}```pycon\n{match[0]}\n{match['indent']}```"

    return DOCTEST.sub(fence, ROLE.sub(link, docstring))


def anchors(package: Module) -> Iterator[str]:
    """The names that the reference has a place for, as imported and as defined."""
    for module in REFERENCE:
        yield module
        for name in members(module):
            path = f"{module}.{name}"
            yield path
            found = package[path.removeprefix(f"{package.path}.")]
            while isinstance(found, Alias):
                path = found.target_path
                found = package[path.removeprefix(f"{package.path}.")]
            yield path
            if isinstance(found, Class):
                yield from (f"{path}.{member}" for member in documented(found))


def documented(thing: Class) -> Iterator[str]:
    """The members of a class that are shown."""
    for name, member in thing.members.items():
        if not name.startswith("_") and not member.is_alias and member.docstring is not None:
            yield name


def walk(thing: Object) -> Iterator[Object]:
    """A package, module or class and all that is defined in it."""
    yield thing
    for member in thing.members.values():
        if isinstance(member, Object):
            yield from walk(member)
