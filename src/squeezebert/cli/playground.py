"""``squeezebert playground``: the page that shows the models."""

from __future__ import annotations

from pathlib import Path

import click

from squeezebert.cli import screen


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="Where to listen; 0 takes a free port, which is told.",
)
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
@click.option(
    "--native",
    is_flag=True,
    help="Answer by the engine behind the server, not by the one in the page.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write the page for any server of files, with engine and models, and serve nothing.",
)
def playground(*, port: int, opens: bool, native: bool, output: Path | None) -> None:
    r"""Serve a page that shows the models: a keyboard, news, names, and a race.

    \b
    squeezebert playground --open
    squeezebert playground --output site
    """
    from squeezebert.playground import PlaygroundServer, Site, write_site

    if output is not None:
        size = write_site(output)
        click.echo(f"{size / 1e6:.1f} MB: {output}")
        return
    site = Site(native=native)
    try:
        with PlaygroundServer(site, port) as server:
            click.echo(server.url)
            if site.native and not native:
                screen.note("built without WebAssembly: the engine behind the server answers")
            screen.note("stop it by Ctrl+C")
            if opens:
                click.launch(server.url)
            server.serve_forever()
    except KeyboardInterrupt:
        screen.note("stopped")
    finally:
        site.close()
