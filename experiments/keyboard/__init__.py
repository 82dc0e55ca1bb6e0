"""Words for a keyboard, measured: ``python -m experiments.keyboard``."""
