"""Masked LM on a corpus, or a student from its teachers."""
