"""Models over HTTP, as Hugging Face's inference API and OpenAI's embeddings are asked.

From the outside in: ``run`` listens, ``edge`` looks at each request before its body is read,
``routes`` says what can be asked, ``schemas`` in which shape, ``service`` carries a question from
texts to an answer, ``operations`` translates between the wire and a task, and ``batching`` gathers
what waits into batches for the engine. ``app``, ``edge``, ``failures``, ``routes`` and ``run`` know
the web framework, the others do not.
"""
