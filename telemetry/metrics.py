"""The metrics of a running program: every instrument of the catalogue, reported to by event."""

import platform
from collections.abc import Callable, Iterable, Sequence

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from telemetry.catalogue import (
    CATALOGUE,
    ORDER_LATENCY,
    ORDERS_FAILED,
    FromConfig,
    LostReason,
    LostSink,
)
from telemetry.clock import Clock, SystemClock
from telemetry.events import (
    DeadLetterEvents,
    ExchangeEvents,
    MarketEvents,
    ModeEvents,
    OrderEvents,
    PortfolioEvents,
    ProcessEvents,
    ResilienceEvents,
)
from telemetry.instruments import (
    AnyFamily,
    CounterFamily,
    GaugeFamily,
    HistogramFamily,
    build,
)


class Metrics:
    """Every metric, on a registry of its own.

    Events are reported to the groups ``orders``, ``dead_letters``, ``mode``, ``exchange``,
    ``market``, ``portfolio`` and ``process``. Their methods cannot raise, await or do I/O: a wrong
    value is refused and counted in ``cryptobot_telemetry_lost_total``.

    Args:
        version: Of the program.
        exchanges: Ids that appear as ``exchange``.
        symbols: Unified symbols that appear as ``symbol``.
        currencies: That appear as ``currency``.
        channels: Names of market and user streams.
        jobs: Names of scheduled jobs.
        ccxt: Version of ccxt, empty without it.
        clock: For ages and heartbeats.
    """

    def __init__(
        self,
        *,
        version: str = "",
        exchanges: Iterable[str] = (),
        symbols: Iterable[str] = (),
        currencies: Iterable[str] = (),
        channels: Iterable[str] = (),
        jobs: Iterable[str] = (),
        breakers: Iterable[str] = (),
        ccxt: str = "",
        clock: Clock | None = None,
    ) -> None:
        configured = {
            FromConfig.EXCHANGES: tuple(dict.fromkeys(exchanges)),
            FromConfig.SYMBOLS: tuple(dict.fromkeys(symbols)),
            FromConfig.CURRENCIES: tuple(dict.fromkeys(currencies)),
            FromConfig.CHANNELS: tuple(dict.fromkeys(channels)),
            FromConfig.JOBS: tuple(dict.fromkeys(jobs)),
            FromConfig.BREAKERS: tuple(dict.fromkeys(breakers)),
            FromConfig.VERSION: (version,),
            FromConfig.PYTHON: (platform.python_version(),),
            FromConfig.CCXT: (ccxt,),
        }
        self._refreshers: list[Callable[[], None]] = []
        self._families: dict[str, AnyFamily] = {
            spec.name: build(
                spec,
                [
                    configured[values] if isinstance(values, FromConfig) else values
                    for values in spec.labels.values()
                ],
                self._refused,
            )
            for spec in CATALOGUE
        }
        self.registry = CollectorRegistry()
        self._usual = CollectorRegistry()
        for family in self._families.values():
            self.registry.register(family)
        for usual in (ProcessCollector, PlatformCollector, GCCollector):
            self.registry.register(usual(registry=self._usual))
        clock = clock or SystemClock()
        self.orders = OrderEvents(self)
        self.dead_letters = DeadLetterEvents(self)
        self.mode = ModeEvents(self)
        self.exchange = ExchangeEvents(self)
        self.resilience = ResilienceEvents(self)
        self.market = MarketEvents(
            self, clock, configured[FromConfig.EXCHANGES], configured[FromConfig.SYMBOLS]
        )
        self.portfolio = PortfolioEvents(self)
        self.process = ProcessEvents(self, clock)
        self.before_scrape(self.market.refresh)
        self.gauge("build_info").set(1, version, platform.python_version(), ccxt)

    def counter(self, name: str) -> CounterFamily:
        """Return a counter by its name without the prefix. ``KeyError`` if there is none."""
        family = self._families[f"cryptobot_{name}"]
        if not isinstance(family, CounterFamily):
            raise KeyError(f"{name} is not a counter")
        return family

    def gauge(self, name: str) -> GaugeFamily:
        """Return a gauge by its name without the prefix. ``KeyError`` if there is none."""
        family = self._families[f"cryptobot_{name}"]
        if not isinstance(family, GaugeFamily):
            raise KeyError(f"{name} is not a gauge")
        return family

    def histogram(self, name: str) -> HistogramFamily:
        """Return a histogram by its name without the prefix. ``KeyError`` if there is none."""
        family = self._families[f"cryptobot_{name}"]
        if not isinstance(family, HistogramFamily):
            raise KeyError(f"{name} is not a histogram")
        return family

    def restore(
        self, failed_total: int, latency_buckets: Sequence[int], latency_sum: float
    ) -> None:
        """Set the two named order metrics from the journal, so that they survive ``kill -9``.

        Args:
            failed_total: Orders that count as failed.
            latency_buckets: Orders at or below each of ``ORDER_LATENCY_BUCKETS_MS``, and as the
                last element all of them.
            latency_sum: Of all latencies, in milliseconds.

        Raises:
            ValueError: For a wrong number of buckets, counts that fall, or negatives.
        """
        self.counter(ORDERS_FAILED.removeprefix("cryptobot_")).restore(failed_total)
        self.histogram(ORDER_LATENCY.removeprefix("cryptobot_")).restore(
            latency_buckets, latency_sum
        )

    def lost(self, sink: LostSink, reason: LostReason, count: int = 1) -> None:
        """Count telemetry that was given up."""
        self.counter("telemetry_lost_total").inc(sink, reason, by=count)

    def _refused(self, reason: LostReason) -> None:
        self.lost(LostSink.METRICS, reason)

    def before_scrape(self, refresh: Callable[[], None]) -> None:
        """Call ``refresh`` before every scrape, for gauges that are a function of now.

        It runs on the event loop and must be quick; if it raises, that is counted.
        """
        self._refreshers.append(refresh)

    def refresh(self) -> None:
        """Bring gauges that depend on the time up to date."""
        for refresh in self._refreshers:
            try:
                refresh()
            except Exception:  # noqa: BLE001 - a gauge's owner must not break the scrape
                self.lost(LostSink.METRICS, LostReason.ERROR)

    def exposition(self, *, openmetrics: bool = False) -> bytes:
        """Return what Prometheus scrapes.

        Args:
            openmetrics: OpenMetrics 1.0 with exemplars, instead of the text format 0.0.4.
        """
        self.refresh()
        own = "".join(
            [family.text(openmetrics=openmetrics) for family in self._families.values()]
        ).encode()
        usual: bytes = (generate_openmetrics if openmetrics else generate_latest)(self._usual)
        return own + usual
