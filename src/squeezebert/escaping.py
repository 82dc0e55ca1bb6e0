"""Texts of others (names, labels, paths) in Markdown and XML, shown as they are."""

from __future__ import annotations

import html
import re

from squeezebert.shown import shown

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to write (section 2.2 of the specification)."""


def escape_markdown(text: str) -> str:
    r"""A text that stands in Markdown as it is: on one line, no markup, no HTML, no formulas.

    >>> escape_markdown("a|b *c* <i> $x$")
    'a\\|b \\*c\\* &lt;i&gt; \\$x\\$'
    """
    flat = shown(" ".join(text.split()))
    flat = re.sub(r"([\\`*\[\]|~$]|(?<!\w)_|_(?!\w)|^#)", r"\\\1", flat)
    return flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def code_span(text: str) -> str:
    r"""A text in a code span of Markdown, inside a table or out of it.

    >>> code_span("a`b"), code_span("a|b")
    ('`` a`b ``', '`a\\|b`')
    """
    flat = shown(" ".join(text.split())) or " "
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", flat)), default=0))
    room = " " if "`" in flat else ""
    # A table is cut at its pipes before code is looked for.
    return f"{fence}{room}{flat}{room}{fence}".replace("|", "\\|")


def escape_xml(text: str, *, quote: bool = True) -> str:
    r"""A text for XML; what XML cannot hold becomes U+FFFD, the replacement character.

    Args:
        text: Any text.
        quote: Whether it stands in an attribute.

    >>> escape_xml("a < \x00b")
    'a &lt; \ufffdb'
    """
    return html.escape(_NOT_IN_XML.sub("\ufffd", text), quote=quote)
