"""A Hugging Face hub on this machine: ``python -m experiments.loopback_hub``."""
