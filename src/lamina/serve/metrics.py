"""What a server measures of itself, for Prometheus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from lamina.serve.behind import Behind
    from lamina.serve.candidate import Candidate
    from lamina.serve.models import Models

BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0, 30.0)  # seconds


class Metrics:
    """The measures of one server; each server has a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("model", "verb")
        self.requests = Counter(
            "lamina_requests_total",
            "Requests by what came of them",
            (*labels, "status"),
            registry=self.registry,
        )
        self.rows = Counter("lamina_rows_total", "Rows answered", labels, registry=self.registry)
        self.seconds = Histogram(
            "lamina_request_seconds",
            "Seconds from the whole body to the answer",
            labels,
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.waiting = Gauge("lamina_rows_waiting", "Rows that wait", ("model",), registry=self.registry)
        self.version = Gauge(
            "lamina_model", "The versions served", ("model", "version"), registry=self.registry
        )
        self.behind = Gauge(
            "lamina_behind",
            "Whether the champion cannot be loaded here, so that the version before it answers",
            ("model",),
            registry=self.registry,
        )
        self._of = lru_cache(1000)(self._found)  # looking up labels takes longer than counting
        self.shadow = Gauge(
            "lamina_shadow_rows",
            "Rows that a candidate answered silently, by how that compared with the champion",
            ("model", "candidate", "outcome"),
            registry=self.registry,
        )

    def told(self, model: str, verb: str, status: int, rows: int, seconds: float) -> None:
        """Counts one request."""
        requests, answered, took = self._of(model, verb, status)
        requests.inc()
        answered.inc(rows)
        took.observe(seconds)

    def _found(self, model: str, verb: str, status: int) -> tuple[Counter, Counter, Histogram]:
        return (
            self.requests.labels(model, verb, str(status)),
            self.rows.labels(model, verb),
            self.seconds.labels(model, verb),
        )

    def see(self, models: Models, candidates: Mapping[str, Candidate], behind: Sequence[Behind] = ()) -> None:
        """What is to be seen of the models at the moment."""
        late = {each.model for each in behind}
        self.version.clear()
        for each in models:
            self.version.labels(each.name, each.version).set(1)
            self.waiting.labels(each.name).set(each.batcher.waiting)
            self.behind.labels(each.name).set(each.name in late)
        self.shadow.clear()
        for name, candidate in candidates.items():
            told = candidate.comparison
            counts = {"agreed": told.agreed, "differed": told.rows - told.agreed, "failed": told.failed,
                      "skipped": told.skipped}  # fmt: skip
            for outcome, rows in counts.items():
                self.shadow.labels(name, candidate.served.version, outcome).set(rows)

    def text(self) -> bytes:
        """As Prometheus reads it."""
        return generate_latest(self.registry)
