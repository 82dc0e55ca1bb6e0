"""A page that shows what the models that ship can do: ``squeezebert playground``.

The page lies in ``page/``, as plain ES modules. ``make web`` adds ``page/engine/``, the engine as
WebAssembly (sources in ``web/``). Without it the server answers, by the native engine.
"""

from squeezebert.playground.answers import NativeAnswers
from squeezebert.playground.server import PlaygroundServer
from squeezebert.playground.site import Site, write_site

__all__ = ["NativeAnswers", "PlaygroundServer", "Site", "write_site"]
