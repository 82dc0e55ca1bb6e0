"""Our engine beside other run-times."""
