"""Models on equal terms."""
