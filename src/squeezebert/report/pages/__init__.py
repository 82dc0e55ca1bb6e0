"""Whole pages: a comparison's and a benchmark's."""
