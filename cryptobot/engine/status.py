"""The answer of ``engine.status``, and what it takes to be healthy."""

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from cryptobot import __version__
from cryptobot.domain.clock import NS_PER_S, Clock
from cryptobot.domain.mode import Mode, ModeTrigger
from cryptobot.domain.money import plain
from cryptobot.domain.order import OrderState
from cryptobot.engine.metrics_feed import MetricsFeed
from cryptobot.settings import Settings
from cryptobot.strategies.runner import RunState, StrategyRunner
from cryptobot.trading.circuit_breaker import CircuitBreaker
from cryptobot.trading.dead_letters import DeadLetters
from cryptobot.trading.failover import Failover
from cryptobot.trading.market_data import MarketData
from cryptobot.trading.mode_controller import ModeController
from cryptobot.trading.order_gateway import OrderGateway
from cryptobot.trading.order_tracker import OrderTracker
from cryptobot.trading.reconciler import Reconciler
from cryptobot.trading.risk import DailyLoss
from telemetry.health import Health

STALE_MARKET_MS: Final = 15_000
"""Market data older than this is not traded on by the health's reckoning."""


@dataclass(slots=True)
class ExchangeState:
    """What is known of the connection to the exchange."""

    id: str
    connect_to: str | None
    up: bool = False
    simulated: bool | None = False
    clock_skew_ms: float | None = None
    detail: str = "connecting"


@dataclass(slots=True)
class StatusReport:
    """Everything that ``engine.status`` tells, gathered on demand from memory."""

    settings: Settings
    clock: Clock
    started_ns: int
    exchange: ExchangeState
    modes: ModeController
    gateway: OrderGateway
    tracker: OrderTracker
    market: MarketData
    feed: MetricsFeed
    health: Health
    strategies: StrategyRunner
    reconciler: Reconciler
    breakers: Collection[CircuitBreaker]
    dead_letters: DeadLetters
    failover: Failover
    daily_loss: Mapping[Mode, DailyLoss]
    live_blockers: Callable[[], list[str]]
    metrics_port: Callable[[], int]
    loop_lag_ms: Callable[[], float]

    def to_wire(self) -> dict[str, object]:
        """Return the status as the control socket shows it."""
        mode = self.modes.to_wire()
        counts = self.strategies.counts()
        return {
            "version": __version__,
            "pid": os.getpid(),
            "uptime_s": round((self.clock.monotonic_ns() - self.started_ns) / NS_PER_S, 1),
            "state_dir": str(self.settings.state_dir),
            "account": self.settings.account,
            **{key: mode[key] for key in ("mode", "mode_since", "mode_reason")},
            "trading_state": mode["trading_state"],
            "fenced": mode["fenced"],
            "live_blockers": [] if self.modes.mode is Mode.LIVE else self.live_blockers(),
            "exchange": {
                "id": self.exchange.id,
                "up": self.exchange.up,
                "simulated": bool(self.exchange.simulated),
                "connect_to": self.exchange.connect_to,
                "clock_skew_ms": None
                if self.exchange.clock_skew_ms is None
                else round(self.exchange.clock_skew_ms, 1),
                "streams": self.feed.streams(),
            },
            "symbols": list(self.settings.symbols),
            "timeframe": self.settings.timeframe,
            "orders": self._orders(),
            "daily_loss": {
                str(mode): None if (cost := loss.loss()) is None else plain(cost)
                for mode, loss in self.daily_loss.items()
            },
            "reconciliation": None
            if self.reconciler.last is None
            else self.reconciler.last.summary(),
            "breakers": [breaker.to_wire() for breaker in self.breakers],
            "dead_letters": self.dead_letters.summary(),
            "failover": self._failover(),
            "latency_ms": self.feed.latency_ms(),
            "market": {symbol: self._market(symbol) for symbol in self.settings.symbols},
            "health": {
                "status": str(self.health.status),
                "components": {
                    name: {"status": str(component.status), "detail": component.detail}
                    for name, component in self.health.components.items()
                },
            },
            "metrics": {"host": self.settings.metrics.host, "port": self.metrics_port()},
            "strategies": {
                "running": counts[RunState.RUNNING],
                "failed": counts[RunState.FAILED],
            },
            "event_loop_lag_ms": round(self.loop_lag_ms(), 1),
        }

    def _failover(self) -> dict[str, object]:
        enabled, modes = self.settings.failover.enabled, self.modes
        fell_back = modes.mode is Mode.PAPER and modes.status.trigger is ModeTrigger.FAILOVER
        return {
            "enabled": enabled,
            "armed": enabled and modes.mode is Mode.LIVE,
            "fell_back": fell_back,
            **self.failover.to_wire(),
        }

    def _orders(self) -> dict[str, object]:
        open_orders = self.tracker.open_orders()
        return {
            "open": len(open_orders),
            "unresolved": sum(order.state is OrderState.UNRESOLVED for order in open_orders),
            "in_flight": self.gateway.sending,
            "sent_total": self.feed.sent_total,
            "failed_total": self.feed.failed_total,
        }

    def _market(self, symbol: str) -> dict[str, object]:
        book = self.market.book(symbol)
        last = self.market.last(symbol)
        age = self.market.age_ms(symbol)
        return {
            "bid": plain(book.bids[0].price) if book is not None and book.bids else None,
            "ask": plain(book.asks[0].price) if book is not None and book.asks else None,
            "last": None if last is None else plain(last),
            "age_ms": None if age is None else round(age),
        }
