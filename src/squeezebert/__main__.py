"""``python -m squeezebert``: the same as the ``squeezebert`` command."""

from __future__ import annotations

from squeezebert.cli.main import main

if __name__ == "__main__":
    main()
