"""What all pages share: how templates are filled, and the style sheets."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Template

PACKAGE = "squeezebert.report"
STYLE_SHEETS = ("chart.css", "page.css")


def template(name: str) -> Template:
    """A page's template. Everything that it is filled with is text, never markup."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(PACKAGE, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def styles() -> list[str]:
    """The style sheets of every page."""
    return [files(PACKAGE).joinpath(name).read_text(encoding="utf-8") for name in STYLE_SHEETS]
