"""What a server counts, as Prometheus reads it."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from squeezebert.serving.batching import BatchRecord

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
TOKENS = (16, 32, 64, 128, 256, 512, 1024, 2048, 4096)


class Metrics:
    """Counters of one server, in a registry of their own.

    >>> metrics = Metrics()
    >>> metrics.count_request("news", "text-classification", 200, seconds=0.002)
    >>> b'squeezebert_requests_total{model="news"' in metrics.text()
    True
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        asked = ("model", "operation")
        self._requests = Counter(
            "squeezebert_requests",
            "Requests by what they got.",
            (*asked, "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "squeezebert_request_seconds",
            "From a request's first byte to its answer.",
            asked,
            buckets=SECONDS,
            registry=self._registry,
        )
        self._texts = Counter(
            "squeezebert_texts", "Texts answered.", asked, registry=self._registry
        )
        self._batch_tokens = Histogram(
            "squeezebert_batch_tokens",
            "Tokens of the batches that the engine ran; their sum counts all tokens.",
            asked,
            buckets=TOKENS,
            registry=self._registry,
        )
        self._batch_inputs = Counter(
            "squeezebert_batch_inputs", "Inputs of all batches.", asked, registry=self._registry
        )
        self._batch_seconds = Counter(
            "squeezebert_batch_seconds",
            "Time of all batches, waiting for the engine included.",
            asked,
            registry=self._registry,
        )
        self._waiting = Gauge(
            "squeezebert_waiting_tokens",
            "Tokens in the queue of a model.",
            asked,
            registry=self._registry,
        )
        self._reloads = Counter(
            "squeezebert_reloads",
            "Models loaded again, by outcome.",
            ("model", "outcome"),
            registry=self._registry,
        )
        self._in_flight = Gauge(
            "squeezebert_requests_in_flight",
            "Requests that are being read or answered.",
            registry=self._registry,
        )

    def count_request(self, model: str, operation: str, status: int, *, seconds: float) -> None:
        """A request that has its answer."""
        self._requests.labels(model, operation, str(status)).inc()
        self._seconds.labels(model, operation).observe(seconds)

    def count_texts(self, model: str, operation: str, texts: int) -> None:
        """Texts that were answered."""
        self._texts.labels(model, operation).inc(texts)

    def batch_observer(self, model: str, operation: str) -> Callable[[BatchRecord], None]:
        """What a batcher tells of its batches."""
        tokens = self._batch_tokens.labels(model, operation)
        inputs = self._batch_inputs.labels(model, operation)
        seconds = self._batch_seconds.labels(model, operation)

        def observe(record: BatchRecord) -> None:
            tokens.observe(record.tokens)
            inputs.inc(record.items)
            seconds.inc(record.seconds)

        return observe

    def watch_queue(self, model: str, operation: str, waiting_tokens: Callable[[], int]) -> None:
        """Has the length of a queue asked for when somebody reads the metrics."""
        self._waiting.labels(model, operation).set_function(waiting_tokens)

    def count_reload(self, model: str, *, succeeded: bool) -> None:
        """A model that was loaded again, or was not."""
        self._reloads.labels(model, "ok" if succeeded else "failed").inc()

    def set_in_flight(self, requests: int) -> None:
        """How many requests are under way."""
        self._in_flight.set(requests)

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry)
