"""From what happens in the engine to the metrics that tell of it."""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

import structlog

from cryptobot.domain.clock import NS_PER_MS, NS_PER_S, Clock
from cryptobot.domain.mode import Mode
from cryptobot.domain.order import News, Order, OrderState
from cryptobot.trading.circuit_breaker import BreakerState, CircuitBreaker
from cryptobot.trading.differences import Reconciliation
from cryptobot.trading.guarded_exchange import Exhausted
from cryptobot.trading.mode_controller import ModeStatus
from cryptobot.trading.order_tracker import OrderTracker
from cryptobot.trading.portfolio import Portfolio
from cryptobot.trading.retry import Cause
from telemetry.metrics import Metrics

CHANNELS: Final = ("book", "trades", "candles", "orders", "fills", "order_entry")
LATENCY_WINDOW_S: Final = 300

_log = structlog.stdlib.get_logger("cryptobot.exchange")


class MetricsFeed:
    """Listens to everything that is counted.

    Orders are counted after their record is on disk, so the named metrics equal the journal
    whatever is killed when.

    Args:
        metrics: Where to count.
        exchange: The exchange's id.
        clock: For ages and the latency window.
    """

    def __init__(self, metrics: Metrics, exchange: str, clock: Clock) -> None:
        self._metrics = metrics
        self._exchange = exchange
        self._clock = clock
        self._latencies: deque[tuple[int, float]] = deque(maxlen=10_000)
        self._connected: dict[str, set[str | None]] = {channel: set() for channel in CHANNELS}
        self._heard_ns: dict[str, int] = {}
        self._unknown: dict[str, int] = {}
        self.failed_total = 0
        self.sent_total = 0

    def restore(
        self, failed_total: int, sent_total: int, buckets: Sequence[int], sum_ms: float
    ) -> None:
        """Go on counting where the journal stands.

        Args:
            failed_total: Orders that count as failed.
            sent_total: Orders sent and answered.
            buckets: Cumulative counts at ``ORDER_LATENCY_BUCKETS_MS``, then all of them.
            sum_ms: Sum of all latencies.
        """
        self.failed_total, self.sent_total = failed_total, sent_total
        self._metrics.restore(failed_total, buckets, sum_ms)

    def on_recorded(self, order: Order, news: News) -> None:
        """Count an order once, when its first answer is on disk, and time unknown outcomes."""
        self._time_unknown(order)
        if News.ANSWERED not in news:
            if News.FAILED in news:
                self._failed_late(order)
            return
        self._metrics.orders.settled(
            mode=str(order.mode),
            exchange=self._exchange,
            side=str(order.side),
            type=str(order.type),
            outcome=str(order.state),
            failed=order.failed,
            latency_ms=order.latency_ms,
            reason=_code(order),
            exemplar={"orderId": order.order_id},
        )
        self._metrics.orders.processed()
        if order.mode is Mode.LIVE and order.state is not OrderState.DENIED:
            self.sent_total += 1
            self.failed_total += order.failed
            if order.latency_ms is not None:
                self._latencies.append((self._clock.monotonic_ns(), order.latency_ms))

    def _failed_late(self, order: Order) -> None:
        """Count an order as failed that had been acknowledged."""
        if order.mode is Mode.LIVE:
            self.failed_total += 1
            self._metrics.orders.failed(self._exchange, _code(order))

    def _time_unknown(self, order: Order) -> None:
        """Observe how long the outcome of a live order was unknown, when it no longer is."""
        if order.mode is not Mode.LIVE:
            return
        if order.state is OrderState.UNRESOLVED:
            self._unknown.setdefault(order.order_id, self._clock.monotonic_ns())
        elif order.order_id in self._unknown:
            lasted_ns = self._clock.monotonic_ns() - self._unknown.pop(order.order_id)
            self._metrics.orders.stage(self._exchange, "resolve", lasted_ns / NS_PER_S)

    def on_request(self, operation: str, outcome: str, seconds: float) -> None:
        """Count an exchange request."""
        self._metrics.exchange.request(self._exchange, operation, outcome, seconds)

    def on_limited(self, _silent_s: float) -> None:
        """Count an answer that says "too many"."""
        self._metrics.exchange.rate_limited(self._exchange)

    def limits(self, weight_ratio: float, orders_ratio: float) -> None:
        """Show the used parts of the exchange's limits."""
        self._metrics.exchange.rate_limit_used(self._exchange, "request_weight", weight_ratio)
        self._metrics.exchange.rate_limit_used(self._exchange, "orders_10s", orders_ratio)

    def on_retry(self, operation: str, cause: Cause) -> None:
        """Count a further try."""
        self._metrics.resilience.retried(operation, str(cause))

    def on_exhausted(self, given_up: Exhausted) -> None:
        """Count a call that was given up."""
        self._metrics.resilience.exhausted(given_up.operation)

    def show_breakers(self, breakers: Iterable[CircuitBreaker]) -> None:
        """Show the breakers as they start."""
        for breaker in breakers:
            self._metrics.resilience.breaker(breaker.name, str(breaker.state))

    def on_breaker(self, breaker: CircuitBreaker, state: BreakerState) -> None:
        """Count a breaker's change and show its new state."""
        self._metrics.resilience.breaker_changed(breaker.name, str(state))
        log = _log.warning if state is BreakerState.CLOSED else _log.critical
        log(
            "circuit_breaker_changed",
            name=breaker.name,
            state=str(state),
            reason=breaker.last_failure,
        )

    def on_stream(self, channel: str, symbol: str | None, event: str, reason: str | None) -> None:
        """Count a stream's message, connection or disconnection."""
        if event == "message":
            self._heard_ns[channel] = self._clock.monotonic_ns()
            self._metrics.market.message(self._exchange, channel, symbol)
        if event not in {"connected", "disconnected"}:
            return
        connected = self._connected[channel]
        if event == "connected":
            connected.add(symbol)
        else:
            connected.discard(symbol)
            self._metrics.market.disconnected(self._exchange, channel, reason or "error")
        self._metrics.market.connections(self._exchange, channel, len(connected))

    def on_mode(self, status: ModeStatus, before: Mode) -> None:
        """Count a mode change."""
        if status.mode is not before:
            self._metrics.mode.changed(str(before), str(status.mode), str(status.trigger))

    def on_reconciliation(self, result: Reconciliation) -> None:
        """Count a reconciliation."""
        self._metrics.orders.reconciled(str(result.outcome))

    def gauges(self, tracker: OrderTracker, portfolio: Portfolio, sending: int) -> None:
        """Bring the gauges of orders and holdings up to date, right before a scrape."""
        orders = self._metrics.orders
        now = self._clock.now_ns()
        for mode in Mode:
            open_orders = tracker.open_orders(mode)
            orders.open(str(mode), self._exchange, len(open_orders))
            oldest = min((order.created_ns for order in open_orders), default=now)
            orders.oldest_open(str(mode), (now - oldest) / NS_PER_S)
            for symbol, position in portfolio.positions(mode).items():
                self._metrics.portfolio.position(str(mode), symbol, position.amount)
        unresolved = [
            order for order in tracker.open_orders() if order.state is OrderState.UNRESOLVED
        ]
        orders.unresolved(self._exchange, len(unresolved))
        orders.queue_depth(sending)

    def streams(self) -> dict[str, object]:
        """Return each channel's state as ``engine.status`` shows it."""
        now = self._clock.monotonic_ns()
        return {
            channel: {
                "connected": bool(connected),
                "age_ms": round((now - self._heard_ns[channel]) / NS_PER_MS)
                if channel in self._heard_ns
                else None,
            }
            for channel, connected in self._connected.items()
        }

    def latency_ms(self) -> dict[str, object]:
        """Return count, p50 and p95 of the last five minutes, in milliseconds."""
        horizon = self._clock.monotonic_ns() - LATENCY_WINDOW_S * NS_PER_S
        while self._latencies and self._latencies[0][0] < horizon:
            self._latencies.popleft()
        values = sorted(value for _, value in self._latencies)
        return {
            "count": len(values),
            "p50": _quantile(values, 0.5),
            "p95": _quantile(values, 0.95),
        }


def _quantile(values: Sequence[float], q: float) -> float | None:
    return round(values[min(len(values) - 1, int(len(values) * q))], 1) if values else None


def _code(order: Order) -> str:
    return (order.reason or "").partition(":")[0]
