"""What is on record in numbers, as Prometheus reads it (the extra ``metrics`` brings its client).

Nothing is counted before somebody asks: as views are, the counts are kept with how far in the journal they have come,
and are caught up. What the journal drops or forgets afterwards stays counted. No name that a producer or a user chose
is a label, so that there is a bounded number of series, and nothing secret in them.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from mock_intake import __version__
from mock_intake.faults import Faults
from mock_intake.journal import Journal, walk
from mock_intake.model.exchange import Exchange
from mock_intake.server.latencies import BOUNDS, Latencies

if TYPE_CHECKING:
    from prometheus_client.core import Metric

PATH = "/metrics"
_PREFIX = "mock_intake"
NEEDED = "Metrics need a package that is not installed: pip install 'mock-intake[metrics]'."


class MetricsUnavailableError(RuntimeError):
    """The Prometheus client is not installed; the message says what to install."""


class Metrics:
    """The numbers of one server, over its ``journal``, which replicas share; ``latencies`` are its own."""

    def __init__(self, journal: Journal, faults: Faults, latencies: Latencies) -> None:
        self._journal = journal
        self._faults = faults
        self._latencies = latencies
        self._lock = threading.Lock()
        self._position = 0
        self._exchanges: Counter[tuple[str, str]] = Counter()
        self._events: Counter[tuple[str, str]] = Counter()
        self._findings: Counter[tuple[str, str]] = Counter()
        self._bytes = 0

    def text(self, accepted: str) -> tuple[bytes, str]:
        """All of it, and its media type, in the format that ``accepted`` (an Accept header) asks for.

        Raises ``MetricsUnavailableError``, and ``JournalError`` where the journal cannot be read.
        """
        try:
            from prometheus_client import CollectorRegistry
            from prometheus_client.exposition import choose_encoder
        except ImportError as error:
            raise MetricsUnavailableError(NEEDED) from error
        with self._lock:
            for position, exchange in walk(self._journal, self._position):
                self._count(exchange)
                self._position = position
            registry = CollectorRegistry()
            registry.register(_Collector(self._collect))
            encode, media = choose_encoder(accepted)
            return encode(registry), media

    def _count(self, exchange: Exchange) -> None:
        status = exchange.response.status_code
        # Of what a fault has put in place of an answer, and of which step that was.
        self._exchanges["none" if status is None else str(status), exchange.fault or ""] += 1
        self._bytes += exchange.request.wire_size
        if exchange.accepted and exchange.event is not None:
            self._events[str(exchange.event.status), exchange.event.kind or "none"] += 1
        for finding in exchange.findings:
            self._findings[finding.code, str(finding.severity)] += 1

    def _collect(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        def counter(name: str, words: str, labels: Iterable[str], counts: Counter[tuple[str, str]]) -> Metric:
            family = CounterMetricFamily(f"{_PREFIX}_{name}", words, labels=list(labels))
            for values, number in sorted(counts.items()):
                family.add_metric(values, number)
            return family

        def gauge(name: str, words: str, value: float) -> Metric:
            return GaugeMetricFamily(f"{_PREFIX}_{name}", words, value=value)

        build = GaugeMetricFamily(f"{_PREFIX}_build_info", "The version that runs.", labels=["version"])
        build.add_metric([__version__], 1)
        yield build
        yield counter(
            "exchanges", "Requests that came to be on record, by answer and fault.", ("code", "fault"), self._exchanges
        )
        yield counter("events", "Requests with events that were taken, by status.", ("status", "kind"), self._events)
        yield counter("findings", "Findings in requests and events, by rule.", ("rule", "severity"), self._findings)
        yield CounterMetricFamily(f"{_PREFIX}_received_bytes", "Bodies as they came on the wire.", value=self._bytes)
        counts = self._journal.statistics().to_dict()
        yield gauge("journal_exchanges", "Exchanges on record now.", counts["exchanges"])
        yield gauge("journal_events", "Events on record now.", counts["events"])
        yield gauge("journal_bytes", "Size of the bodies and answers on record now.", counts["bytes"])
        yield gauge("journal_dropped", "Exchanges that retention has dropped.", self._journal.dropped)
        yield gauge("orgs", "Orgs on record now.", len(self._journal.orgs()))
        states: list[dict[str, Any]] = self._faults.states()
        yield gauge(
            "fault_plans", "Fault plans that are set and not at their end.", sum(one["active"] for one in states)
        )
        histogram = self._latencies.histogram()
        buckets = [*zip(map(str, BOUNDS), histogram.up_to, strict=False), ("+Inf", histogram.up_to[-1])]
        yield HistogramMetricFamily(
            f"{_PREFIX}_record_seconds",
            "From the arrival of a request until it was on record, of this server.",
            buckets=buckets,
            sum_value=histogram.seconds,
        )


class _Collector:
    """What a registry asks for metrics."""

    def __init__(self, collect: Any) -> None:
        self.collect = collect
