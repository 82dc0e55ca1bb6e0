"""GLUE with several seeds: running it, and its table."""
