"""The server under load, beside what people write by hand."""
