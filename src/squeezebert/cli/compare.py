"""``squeezebert compare``: several models over several data sets, side by side."""

from __future__ import annotations

import click


@click.command()
def compare() -> None:
    """Compare models."""
