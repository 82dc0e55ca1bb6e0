"""What makes the figures of docs/: run from the repository's root with ``python -m``."""
