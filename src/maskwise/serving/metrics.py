"""What the service counts, in Prometheus' text format. Labels are words of ours, never what a client sent."""

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

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """All counters of one service, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter("maskwise_requests", "Requests by status.", ["route", "status"], registry=self.registry)
        self.request_seconds = Histogram(
            "maskwise_request_seconds", "From headers to response.", ["route"], buckets=_SECONDS, registry=self.registry
        )
        self.rejected = Counter(
            "maskwise_rejected", "Requests and photos refused, by reason.", ["reason"], registry=self.registry
        )
        self.decode_seconds = Histogram(
            "maskwise_decode_seconds",
            "Decoding a photo, finding its faces and cutting them out.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.model_seconds = Histogram(
            "maskwise_model_seconds", "Running the networks on a batch.", buckets=_SECONDS, registry=self.registry
        )
        self.batch_size = Histogram("maskwise_batch_faces", "Faces per batch.", buckets=_SIZES, registry=self.registry)
        self.workers_replaced = Counter(
            "maskwise_workers_replaced", "Threads that met a fault and were replaced.", registry=self.registry
        )
        self.in_flight = Gauge("maskwise_in_flight_requests", "Requests under way.", registry=self.registry)

    def watch(self, name: str, meaning: str, value: Callable[[], float]) -> None:
        """A gauge that is read whenever somebody looks."""
        Gauge(f"maskwise_{name}", meaning, registry=self.registry).set_function(value)

    def text(self) -> bytes:
        """All of it, as a scrape wants it."""
        return generate_latest(self.registry)
