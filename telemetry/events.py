"""What happens, by subject, and which metrics it moves. No method here can raise or wait."""

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Protocol, SupportsFloat

from telemetry.catalogue import MODES
from telemetry.clock import NS_PER_S, Clock
from telemetry.instruments import CounterFamily, GaugeFamily, HistogramFamily


class Instruments(Protocol):
    """Where the groups get their instruments from."""

    def counter(self, name: str) -> CounterFamily: ...  # noqa: D102 - see Metrics
    def gauge(self, name: str) -> GaugeFamily: ...  # noqa: D102 - see Metrics
    def histogram(self, name: str) -> HistogramFamily: ...  # noqa: D102 - see Metrics


class OrderEvents:
    """The order path."""

    def __init__(self, of: Instruments) -> None:
        self._failed = of.counter("orders_failed_total")
        self._latency = of.histogram("order_latency")
        self._orders = of.counter("orders_total")
        self._failures = of.counter("order_failures_by_reason_total")
        self._denied = of.counter("orders_denied_total")
        self._stage = of.histogram("order_stage_seconds")
        self._open = of.gauge("orders_open")
        self._unresolved = of.gauge("orders_unresolved")
        self._oldest = of.gauge("order_oldest_open_seconds")
        self._depth = of.gauge("order_queue_depth")
        self._processed = of.counter("order_queue_processed_total")
        self._reconciliations = of.counter("reconciliations_total")

    def settled(
        self,
        *,
        mode: str,
        exchange: str,
        side: str,
        type: str,  # noqa: A002 - the label's name
        outcome: str,
        failed: bool = False,
        latency_ms: SupportsFloat | None = None,
        reason: str = "other",
        exemplar: Mapping[str, str] | None = None,
    ) -> None:
        """Count an order once, when it first reaches an answer, ``unresolved`` or ``denied``.

        The two named metrics move for live orders only, and exactly as told: ``failed`` adds to
        ``orders_failed_total``, a ``latency_ms`` is observed in ``order_latency``.

        Args:
            mode: ``live`` or ``paper``.
            exchange: Its id.
            side: ``buy`` or ``sell``.
            type: ``market``, ``limit`` or ``limit_maker``.
            outcome: The state reached.
            failed: Whether it counts as failed, as in the journal.
            latency_ms: From acceptance to this answer, milliseconds, as in the journal.
            reason: A short code of the failure.
            exemplar: Such as ``{"orderId": ...}``, shown beside the latency bucket.
        """
        self._orders.inc(mode, exchange, side, type, outcome)
        if mode != MODES[0]:
            return
        if latency_ms is not None:
            self._latency.observe(latency_ms, exemplar=exemplar)
        if failed:
            self.failed(exchange, reason)

    def failed(self, exchange: str, reason: str) -> None:
        """Count a live order as failed, by a short code: also one acknowledged before."""
        self._failed.inc()
        self._failures.inc(exchange, reason)

    def denied(self, reason: str) -> None:
        """Count an intent refused before the wire, by a short code."""
        self._denied.inc(reason)

    def stage(self, exchange: str, stage: str, seconds: SupportsFloat) -> None:
        """Observe a stage of a live order: ``checks``, ``journal``, ``fence``, ``exchange``.

        ``resolve``: how long its outcome was unknown, once it no longer is.
        """
        self._stage.observe(seconds, exchange, stage)

    def open(self, mode: str, exchange: str, count: int) -> None:
        """Set how many orders may still trade."""
        self._open.set(count, mode, exchange)

    def unresolved(self, exchange: str, count: int) -> None:
        """Set how many orders have an unknown outcome."""
        self._unresolved.set(count, exchange)

    def oldest_open(self, mode: str, seconds: SupportsFloat) -> None:
        """Set the age of the oldest open order."""
        self._oldest.set(seconds, mode)

    def queue_depth(self, count: int) -> None:
        """Set how many intents wait for an answer."""
        self._depth.set(count)

    def processed(self) -> None:
        """Count an intent that got an answer."""
        self._processed.inc()

    def reconciled(self, outcome: str) -> None:
        """Count a reconciliation: ``clean``, ``repaired``, ``mismatch`` or ``failed``."""
        self._reconciliations.inc(outcome)


class DeadLetterEvents:
    """What was given up on."""

    def __init__(self, of: Instruments) -> None:
        self._waiting = of.gauge("dead_letters")
        self._total = of.counter("dead_letters_total")

    def added(self, sink: str) -> None:
        """Count something that was given up on."""
        self._total.inc(sink)

    def waiting(self, sink: str, count: int) -> None:
        """Set how much waits for a person."""
        self._waiting.set(count, sink)


class ModeEvents:
    """The mode and the trading state."""

    def __init__(self, of: Instruments) -> None:
        self._mode = of.gauge("mode")
        self._changes = of.counter("mode_changes_total")
        self._state = of.gauge("trading_state")

    def current(self, mode: str) -> None:
        """Show the mode, at the start."""
        self._mode.set_only(mode)

    def changed(self, before: str, after: str, trigger: str) -> None:
        """Count a change and show the new mode."""
        self._mode.set_only(after)
        self._changes.inc(before, after, trigger)

    def trading_state(self, state: str) -> None:
        """Show the trading state: ``active``, ``reducing`` or ``halted``."""
        self._state.set_only(state)


class ExchangeEvents:
    """Requests to exchanges and their sessions."""

    def __init__(self, of: Instruments) -> None:
        self._up = of.gauge("exchange_up")
        self._session = of.gauge("exchange_session")
        self._requests = of.counter("exchange_requests_total")
        self._seconds = of.histogram("exchange_request_seconds")
        self._used = of.gauge("exchange_rate_limit_used_ratio")
        self._limited = of.counter("exchange_rate_limited_total")
        self._skew = of.gauge("exchange_clock_skew_seconds")

    def up(self, exchange: str, up: bool) -> None:
        """Show whether the exchange answers."""
        self._up.set(up, exchange)

    def session(self, exchange: str, state: str) -> None:
        """Show the session's state: ``connecting``, ``ready``, ``failed`` or ``closed``."""
        self._session.set_only(exchange, state)

    def request(self, exchange: str, operation: str, outcome: str, seconds: SupportsFloat) -> None:
        """Count and time a request; ``outcome``: ok, refused, not_sent, unknown, failed."""
        self._requests.inc(exchange, operation, outcome)
        self._seconds.observe(seconds, exchange, operation)

    def rate_limit_used(self, exchange: str, limit: str, ratio: SupportsFloat) -> None:
        """Set the used part of ``request_weight``, ``orders_10s`` or ``orders_1d``, 0 to 1."""
        self._used.set(ratio, exchange, limit)

    def rate_limited(self, exchange: str) -> None:
        """Count a request refused for its rate limit."""
        self._limited.inc(exchange)

    def clock_skew(self, exchange: str, seconds: SupportsFloat) -> None:
        """Set by how much this machine's clock is ahead of the exchange's."""
        self._skew.set(seconds, exchange)


class ResilienceEvents:
    """Retries, circuit breakers and the automatic failover."""

    def __init__(self, of: Instruments) -> None:
        self._retries = of.counter("retries_total")
        self._exhausted = of.counter("retries_exhausted_total")
        self._breaker = of.gauge("circuit_breaker_state")
        self._transitions = of.counter("circuit_breaker_transitions_total")
        self._failover = of.histogram("failover_seconds")

    def retried(self, operation: str, reason: str) -> None:
        """Count a further try: ``network``, ``server``, ``rate_limit`` or ``clock``."""
        self._retries.inc(operation, reason)

    def exhausted(self, operation: str) -> None:
        """Count a call that was given up."""
        self._exhausted.inc(operation)

    def breaker(self, name: str, state: str) -> None:
        """Show a breaker's state, at the start."""
        self._breaker.set_only(name, state)

    def breaker_changed(self, name: str, state: str) -> None:
        """Show and count a breaker's new state: ``closed``, ``open`` or ``half_open``."""
        self._breaker.set_only(name, state)
        self._transitions.inc(name, state)

    def failover(self, seconds: SupportsFloat) -> None:
        """Observe how long a failover took from its trigger to the closed fence."""
        self._failover.observe(seconds)


class MarketEvents:
    """Market data and the websockets that bring it."""

    def __init__(
        self,
        of: Instruments,
        clock: Clock,
        exchanges: Iterable[str],
        symbols: Iterable[str],
    ) -> None:
        self._messages = of.counter("market_messages_total")
        self._age = of.gauge("market_data_age_seconds")
        self._connections = of.gauge("websocket_connections")
        self._disconnections = of.counter("websocket_disconnections_total")
        self._clock = clock
        started = clock.monotonic_ns()
        self._last_ns: dict[tuple[str, str | None], int] = dict.fromkeys(
            product(exchanges, symbols), started
        )

    def message(self, exchange: str, channel: str, symbol: str | None = None) -> None:
        """Count a message of a stream; with a ``symbol`` its data is fresh from now."""
        self._messages.inc(exchange, channel)
        try:
            if (exchange, symbol) in self._last_ns:
                self._last_ns[exchange, symbol] = self._clock.monotonic_ns()
        except TypeError:  # no text at all: let the gauge refuse and count it
            self._age.set(0, exchange, str(symbol))

    def connections(self, exchange: str, channel: str, count: int) -> None:
        """Set how many websockets of a channel are open."""
        self._connections.set(count, exchange, channel)

    def disconnected(self, exchange: str, channel: str, reason: str) -> None:
        """Count a websocket that ended: closed, error, silent, malformed, restart."""
        self._disconnections.inc(exchange, channel, reason)

    def refresh(self) -> None:
        """Bring the ages up to date."""
        now = self._clock.monotonic_ns()
        for (exchange, symbol), last in self._last_ns.items():
            self._age.set((now - last) / NS_PER_S, exchange, str(symbol))


class PortfolioEvents:
    """What the account is worth and holds."""

    def __init__(self, of: Instruments) -> None:
        self._equity = of.gauge("equity")
        self._realized = of.gauge("realized_pnl")
        self._position = of.gauge("position")

    def equity(self, mode: str, currency: str, amount: SupportsFloat) -> None:
        """Set the account's value."""
        self._equity.set(amount, mode, currency)

    def realized_pnl(self, mode: str, currency: str, amount: SupportsFloat) -> None:
        """Set the realized profit."""
        self._realized.set(amount, mode, currency)

    def position(self, mode: str, symbol: str, amount: SupportsFloat) -> None:
        """Set a position, in base currency."""
        self._position.set(amount, mode, symbol)


class ProcessEvents:
    """The program itself: its loop, jobs, database, exporter, logs and window."""

    def __init__(self, of: Instruments, clock: Clock) -> None:
        self._lag = of.histogram("event_loop_lag_seconds")
        self._heartbeat = of.gauge("heartbeat_timestamp_seconds")
        self._desktop = of.gauge("desktop_up")
        self._job_seconds = of.histogram("scheduler_job_seconds")
        self._job_failures = of.counter("scheduler_job_failures_total")
        self._db_up = of.gauge("db_up")
        self._db_seconds = of.histogram("db_query_seconds")
        self._http = of.counter("http_requests_total")
        self._http_seconds = of.histogram("http_request_seconds")
        self._records = of.counter("log_records_total")
        self._clock = clock

    def loop_lag(self, seconds: SupportsFloat) -> None:
        """Observe by how much the event loop was late."""
        self._lag.observe(seconds)

    def heartbeat(self) -> None:
        """Show that the program is alive now."""
        self._heartbeat.set(self._clock.now_ns() / NS_PER_S)

    def desktop(self, *, up: bool) -> None:
        """Show whether a window is attached."""
        self._desktop.set(up)

    def job(self, name: str, seconds: SupportsFloat, *, failed: bool = False) -> None:
        """Time a scheduled job."""
        self._job_seconds.observe(seconds, name)
        if failed:
            self._job_failures.inc(name)

    def job_missed(self, name: str) -> None:
        """Count a scheduled job that did not run."""
        self._job_failures.inc(name)

    def database(self, *, up: bool) -> None:
        """Show whether the journal can commit."""
        self._db_up.set(up)

    def query(self, operation: str, seconds: SupportsFloat) -> None:
        """Time a database operation: commit, read, migrate, maintenance."""
        self._db_seconds.observe(seconds, operation)

    def http(self, path: str, status: int, seconds: SupportsFloat) -> None:
        """Count and time a request to the exporter."""
        self._http.inc(path, str(status))
        self._http_seconds.observe(seconds, path)

    def log_record(self, level: str) -> None:
        """Count a log record."""
        self._records.inc(level)
