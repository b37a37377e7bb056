"""Judges the engine's components and tells health and metrics of them."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from cryptobot.control.protocol import Topic
from cryptobot.domain.mode import Mode, TradingState
from cryptobot.domain.order import OrderState
from cryptobot.engine.publisher import Publisher
from cryptobot.engine.status import STALE_MARKET_MS, ExchangeState
from cryptobot.journal.journal import Journal
from cryptobot.trading.circuit_breaker import BreakerState, CircuitBreaker
from cryptobot.trading.market_data import MarketData
from cryptobot.trading.mode_controller import ModeController
from cryptobot.trading.order_tracker import OrderTracker
from cryptobot.trading.reconciler import Reconciler
from telemetry.health import Health, Status
from telemetry.metrics import Metrics

SLOW_LOOP_S: Final = 0.5


@dataclass(slots=True)
class HealthWatch:
    """Called once a second; touches memory only."""

    health: Health
    metrics: Metrics
    exchange: ExchangeState
    market: MarketData
    symbols: Sequence[str]
    journal: Journal
    tracker: OrderTracker
    modes: ModeController
    reconciler: Reconciler
    breakers: Collection[CircuitBreaker]
    loop_lag_s: Callable[[], float]

    def update(self) -> None:
        """Judge every component."""
        self._journal()
        self._exchange()
        self._market()
        self._orders()
        self._reconciliation()
        self._breakers()
        lag = self.loop_lag_s()
        status = Status.DEGRADED if lag > SLOW_LOOP_S else Status.OK
        self.health.set("event_loop", status, f"worst lag of the last minute {lag * 1e3:.0f} ms")

    def desktop(self, publisher: Publisher) -> None:
        """Tell whether a window is attached: windows subscribe to the status."""
        self.metrics.process.desktop(up=publisher.wanted(Topic.STATUS))

    def _journal(self) -> None:
        available = self.journal.available
        self.metrics.process.database(up=available)
        if available:
            self.health.set("journal", Status.OK, "writable")
        else:
            reason = self.journal.unavailable_reason or "not writable"
            self.health.set("journal", Status.CRITICAL, f"{reason}; live orders are refused")

    def _exchange(self) -> None:
        if self.exchange.up:
            self.health.set("exchange", Status.OK, self.exchange.detail)
            return
        status = Status.CRITICAL if self.modes.mode is Mode.LIVE else Status.DEGRADED
        self.health.set("exchange", status, self.exchange.detail)

    def _market(self) -> None:
        ages = {symbol: self.market.age_ms(symbol) for symbol in self.symbols}
        stale = [symbol for symbol, age in ages.items() if age is None or age > STALE_MARKET_MS]
        if not stale:
            self.health.set("market_data", Status.OK, "fresh")
        else:
            self.health.set("market_data", Status.DEGRADED, f"nothing from {', '.join(stale)}")

    def _orders(self) -> None:
        unresolved = sum(
            order.state is OrderState.UNRESOLVED for order in self.tracker.open_orders()
        )
        if unresolved:
            self.health.set(
                "orders", Status.DEGRADED, f"{unresolved} with unknown outcome, being looked up"
            )
        elif self.modes.trading_state is not TradingState.ACTIVE:
            self.health.set("orders", Status.DEGRADED, f"trading is {self.modes.trading_state}")
        else:
            self.health.set("orders", Status.OK, "all accounted for")

    def _reconciliation(self) -> None:
        last = self.reconciler.last
        if last is None:
            return
        if last.clean:
            self.health.set("reconciliation", Status.OK, "journal and exchange agree")
        else:
            found = "; ".join(difference.detail for difference in last.differences[:3])
            self.health.set("reconciliation", Status.DEGRADED, found)

    def _breakers(self) -> None:
        stopped = [
            f"{each.name} is {each.state}, after: {each.last_failure}"
            for each in self.breakers
            if each.state is not BreakerState.CLOSED
        ]
        if stopped:
            self.health.set("circuit_breakers", Status.DEGRADED, "; ".join(stopped))
        else:
            self.health.set("circuit_breakers", Status.OK, "closed")
