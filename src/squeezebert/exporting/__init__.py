"""Models for other run-times."""
