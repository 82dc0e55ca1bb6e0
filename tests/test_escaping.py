"""Names of others break neither a table, nor a card, nor a picture."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from squeezebert.escaping import code_span, escape_markdown, escape_xml
from squeezebert.report.charts import svg

ANYTHING = st.text(st.characters(exclude_categories=()))


@given(ANYTHING)
def test_pictures_stay_well_formed(name: str) -> None:
    picture = svg.picture(
        10, 10, name, name, svg.text(1.0, 2.0, name, css=name), svg.element("g", {"id": name})
    )
    root = ET.fromstring(picture.encode("utf-8"))
    assert root.get("aria-label") is not None
    assert len(root) == 4


@given(st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff")))
def test_what_xml_can_hold_comes_back(text: str) -> None:
    root = ET.fromstring(f'<a b="{escape_xml(text)}">{escape_xml(text)}</a>')
    assert (root.text or "", root.get("b")) == (text, text)


@given(ANYTHING)
def test_markdown_has_no_markup_of_a_name(name: str) -> None:
    for escaped in (escape_markdown(name), code_span(name)):
        assert "\n" not in escaped
        assert not re.search(r"(?<!\\)(?:\\\\)*\|", escaped.replace("\\\\", ""))
    assert not {"<", ">"} & set(escape_markdown(name))


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("two\nlines\tand | a bar", r"two lines and \| a bar"),
        ("$x$ and ~y~", r"\$x\$ and \~y\~"),
        ("# title", r"\# title"),
        ("snake_case _it_", r"snake_case \_it\_"),
        ("<b>&amp;", "&lt;b&gt;&amp;amp;"),
        ("\x1b[1m", r"\\x1b\[1m"),
        ("-1.3", "-1.3"),
    ],
)
def test_texts_of_markdown(text: str, escaped: str) -> None:
    assert escape_markdown(text) == escaped


@pytest.mark.parametrize(
    ("text", "span"), [("a", "`a`"), ("``", "``` `` ```"), ("", "` `"), ("a|b\n", r"`a\|b`")]
)
def test_code_spans(text: str, span: str) -> None:
    assert code_span(text) == span
