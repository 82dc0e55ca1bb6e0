"""Models fine-tuned and scored on public data."""
