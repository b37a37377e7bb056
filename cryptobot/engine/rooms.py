"""The rooms of the order path, built and connected: the engine's composition root."""

import asyncio
import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from cryptobot.control.protocol import FENCE_NAME
from cryptobot.domain.clock import Clock
from cryptobot.domain.errors import JournalUnavailable
from cryptobot.domain.ids import IdSource
from cryptobot.domain.instrument import Instrument
from cryptobot.domain.mode import Mode, ModeTrigger
from cryptobot.engine.live_preconditions import LivePreconditions
from cryptobot.engine.metrics_feed import MetricsFeed
from cryptobot.engine.secrets import passphrase
from cryptobot.engine.status import ExchangeState
from cryptobot.journal.journal import Journal
from cryptobot.matching.records import FeeSchedule
from cryptobot.settings import Settings
from cryptobot.settings.model import FailoverSettings, OrderEntry, RetrySettings
from cryptobot.strategies.catalogue import find_strategies
from cryptobot.strategies.runner import StrategyRunner
from cryptobot.trading.balance_book import BalanceBook
from cryptobot.trading.ccxt_streams import StreamObserver
from cryptobot.trading.circuit_breaker import BreakerLimits, BreakerState, CircuitBreaker
from cryptobot.trading.dead_letters import DeadLetters
from cryptobot.trading.differences import Reconciliation
from cryptobot.trading.exchange import Exchange
from cryptobot.trading.exchange_client import ExchangeClient, ExchangeConfig
from cryptobot.trading.failover import Failover, FailoverLimits, Signals, Switch
from cryptobot.trading.fence import Fence
from cryptobot.trading.guarded_exchange import (
    Exhausted,
    Group,
    GuardedExchange,
    GuardEvents,
)
from cryptobot.trading.market_data import MarketData
from cryptobot.trading.mode_controller import ModeController, ModeStatus
from cryptobot.trading.order_gateway import OrderGateway
from cryptobot.trading.order_journal import OrderJournal
from cryptobot.trading.order_retries import OrderRetries
from cryptobot.trading.order_tracker import OrderTracker
from cryptobot.trading.paper_exchange import PaperExchange
from cryptobot.trading.portfolio import Portfolio
from cryptobot.trading.reconciler import Reconciler
from cryptobot.trading.retry import DEFAULT_PAUSES_S, Cause, RetryPolicy
from cryptobot.trading.risk import DailyLoss, Risk, RiskLimits, Surroundings, SymbolLimits
from cryptobot.trading.settlement import Settlement
from telemetry.metrics import Metrics

_Kept = TypeVar("_Kept")


@dataclass(frozen=True, slots=True)
class RoomEvents:
    """What the rooms tell the engine."""

    on_stream: StreamObserver
    on_reconciliation: Callable[[Reconciliation], None]
    on_strategies: Callable[[], None]
    on_failover: Switch


class Rooms:
    """Everything between the control socket and the wire; each room is an attribute.

    Args:
        settings: How to run.
        keys: API key and secret.
        journal: Started.
        metrics: Counts.
        clock: Time.
        ids: New ids.
        events: Who is told.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        keys: tuple[str | None, str | None],
        journal: Journal,
        metrics: Metrics,
        clock: Clock,
        ids: IdSource,
        events: RoomEvents,
    ) -> None:
        self._settings = settings
        self._journal = journal
        self._clock = clock
        self.exchange = ExchangeState(settings.exchange.id, settings.exchange.connect_to)
        self.feed = MetricsFeed(metrics, settings.exchange.id, clock)
        self.client = ExchangeClient(
            ExchangeConfig(
                id=settings.exchange.id,
                api_key=keys[0],
                secret=keys[1],
                password=passphrase(settings),
                timeout_s=settings.exchange.timeout_s,
                connect_to=settings.exchange.target,
                tls_ca=settings.exchange.tls_ca,
                book_depth=settings.exchange.book_depth,
                orders_per_10s=settings.exchange.orders_per_10s,
                order_by_websocket=settings.exchange.order_entry is OrderEntry.WEBSOCKET,
            ),
            clock,
            on_request=self.feed.on_request,
            on_stream=events.on_stream,
            on_limited=self.feed.on_limited,
        )
        self.live = GuardedExchange(
            self.client,
            policy=_retries(settings.retry),
            limits=BreakerLimits(
                settings.breaker.failures, settings.breaker.open_s, settings.breaker.successes
            ),
            clock=clock,
            sync_clock=self._measure_clock,
            silent_s=self.client.traffic.silent_s,
            events=GuardEvents(self.feed.on_retry, self._given_up, self._on_breaker),
            rng=random.Random(ids.hex32()),  # noqa: S311 - jitter is no secret; repeatable by ids
        )
        self.feed.show_breakers(self.live.breakers.values())
        self.market = MarketData(self.client, settings.symbols, settings.timeframe, clock)
        self.portfolio = Portfolio(self.market.price)
        self.orders = OrderJournal(journal, settings.exchange.id)
        self.tracker = OrderTracker(clock, self.orders.change)
        self.paper = PaperExchange(
            self.client.instruments,
            {},
            FeeSchedule(maker=settings.paper.maker_fee, taker=settings.paper.taker_fee),
            clock,
            exchange_id=settings.exchange.id,
            trade_prefix=f"{clock.now_ns():x}-",
        )
        self.venues: Mapping[Mode, Exchange] = {
            Mode.LIVE: self.live,
            Mode.PAPER: self.paper,
        }
        self.modes = ModeController(
            ModeStatus(Mode.PAPER, clock.now_ns(), "starting", "engine", ModeTrigger.START),
            clock,
            journal,
        )
        self.fence = Fence(
            settings.state_dir / FENCE_NAME,
            lambda: self.modes.mode,
            lambda: self.modes.switches,
        )
        self.settlement = Settlement(
            self.venues,
            self.tracker,
            clock,
            patience_s=settings.reconciliation.not_found_patience_s,
            on_settled=lambda _: None,
        )
        self.daily_loss = {mode: self._daily_loss(mode) for mode in Mode}
        self.gateway = OrderGateway(
            venues=self.venues,
            tracker=self.tracker,
            journal=self.orders,
            fence=self.fence,
            risk={mode: self._risk(mode) for mode in Mode},
            account=self.portfolio,
            clock=clock,
            ids=ids,
            mode=lambda: self.modes.mode,
            trading_state=lambda: self.modes.trading_state,
            on_unresolved=self.settlement.start,
            on_denied=metrics.orders.denied,
            on_stage=partial(metrics.orders.stage, settings.exchange.id),
        )
        retries = OrderRetries(self.gateway, self.tracker, journal)
        self.dead_letters = DeadLetters(
            journal, clock, ids, counts=metrics.dead_letters, retries=retries.table()
        )
        self.book = BalanceBook(clock, lambda baseline: _keep(journal.record_baseline, baseline))
        self.tracker.listen(self.book.on_order)
        self.reconciler = Reconciler(
            self.live,
            self.tracker,
            settings.symbols,
            clock,
            book=self.book,
            on_unresolved=self.settlement.start,
            on_result=events.on_reconciliation,
        )
        self.failover = Failover(
            _failover_limits(settings.failover),
            Signals(
                breaker_open=self._orders_stopped,
                exchange_trouble=lambda: None if self.exchange.up else self.exchange.detail,
                market_ages_s=self._market_ages_s,
                journal_trouble=lambda: journal.unavailable_reason,
                clock_skew_s=self._clock_skew_s,
                daily_loss=self.daily_loss[Mode.LIVE].loss,
            ),
            clock,
            mode=lambda: self.modes.mode,
            switch=events.on_failover,
        )
        self.preconditions = LivePreconditions(
            self._settings,
            self.client,
            self.exchange,
            self.market,
            self.orders,
            self.tracker,
            self.reconciler,
            self.failover,
        )
        kinds, problems = find_strategies(settings.strategies.folder)
        self.strategy_problems = list(problems)
        self.strategies = StrategyRunner(
            kinds,
            self.gateway,
            instruments=self.watched_instrument,
            history=lambda symbol: self.market.candles(symbol, 1500),
            open_orders=lambda: self.tracker.open_orders(self.modes.mode),
            on_change=events.on_strategies,
        )

    def _risk(self, mode: Mode) -> Risk:
        surroundings = Surroundings(
            market_price=self.market.price,
            no_book=self.market.no_book,
            holdings=partial(self.portfolio.holdings, mode),
            daily_loss=self.daily_loss[mode].loss,
        )
        return Risk(_limits(self._settings), self._clock, surroundings)

    def _daily_loss(self, mode: Mode) -> DailyLoss:
        quote = self._settings.symbols[0].partition("/")[2]
        return DailyLoss(
            mode,
            self._clock,
            profit=partial(self.portfolio.profit, mode, self._settings.symbols),
            equity=partial(self.portfolio.equity, mode, quote),
            keep=lambda start: _keep(self._journal.record_day, start),
        )

    def watched_instrument(self, symbol: str) -> Instrument | None:
        """Return the rules of a watched symbol; ``None`` for any other, and before a connect."""
        return self.client.instruments.get(symbol) if symbol in self._settings.symbols else None

    def refresh_gauges(self) -> None:
        """Bring the gauges of orders and holdings up to date, right before a scrape."""
        self.feed.gauges(self.tracker, self.portfolio, self.gateway.sending)
        traffic = self.client.traffic
        self.feed.limits(traffic.used_ratio(), traffic.used_orders_ratio())

    def _on_breaker(self, breaker: CircuitBreaker, state: BreakerState) -> None:
        """Take in a breaker's new state: what lets calls through may bring answers again."""
        self.feed.on_breaker(breaker, state)
        if state is not BreakerState.OPEN:
            self.settlement.hasten()
        if state is BreakerState.CLOSED:
            self.live.hasten()

    def on_exchange_back(self) -> None:
        """Try now what waited for the exchange: it answers again."""
        self.client.hasten()
        self.live.hasten()
        self.settlement.hasten()

    def _given_up(self, what: Exhausted) -> None:
        """Count what was given up, and keep a write that somebody wanted as a dead letter."""
        self.feed.on_exhausted(what)
        order = self.tracker.of_client_id(what.subject)
        if order is not None:
            self.dead_letters.add(
                operation=what.operation,
                subject=order.order_id,
                payload=order.to_wire(),
                evidence={"code": what.code, "error": what.reason},
                attempts=what.attempts,
                first_ns=what.first_ns,
                reason=f"{what.code}: {what.reason}",
            )

    def _orders_stopped(self) -> str | None:
        breaker = self.live.breakers[Group.ORDERS]
        if breaker.state is not BreakerState.OPEN:
            return None  # half open it waits for orders, which only live brings
        return f"the circuit breaker {breaker.name} is {breaker.state}: {breaker.last_failure}"

    def _market_ages_s(self) -> Mapping[str, float | None]:
        ages = {symbol: self.market.age_ms(symbol) for symbol in self._settings.symbols}
        return {symbol: None if age is None else age / 1e3 for symbol, age in ages.items()}

    async def _measure_clock(self) -> float:
        """Measure the clock out of turn, and show what came of it."""
        self.exchange.clock_skew_ms = await self.client.sync_clock()
        return self.exchange.clock_skew_ms

    def _clock_skew_s(self) -> float | None:
        skew_ms = self.client.clock_skew_ms
        return None if skew_ms is None else skew_ms / 1e3


def _retries(settings: RetrySettings) -> RetryPolicy:
    return RetryPolicy(
        {
            Cause.NETWORK: settings.network_s,
            Cause.SERVER: settings.server_s,
            Cause.RATE_LIMIT: settings.rate_limit_s,
            Cause.CLOCK: DEFAULT_PAUSES_S[Cause.CLOCK],
        },
        order_s=settings.order_s,
    )


def _failover_limits(settings: FailoverSettings) -> FailoverLimits:
    return FailoverLimits(
        breaker_open=settings.breaker_open,
        failed_orders=settings.failed_orders,
        failed_window_s=settings.failed_window_s,
        exchange_down_s=settings.exchange_down_s,
        market_stale_s=settings.market_stale_s,
        journal_down_s=settings.journal_down_s,
        clock_skew_s=settings.clock_skew_s,
        daily_loss=settings.daily_loss,
    )


def _keep(record: Callable[[_Kept], asyncio.Future[None]], value: _Kept) -> None:
    """Record what the next comparison, or the next day, records anew if it cannot be kept now."""
    with suppress(JournalUnavailable):
        record(value).add_done_callback(lambda future: future.cancelled() or future.exception())


def _limits(settings: Settings) -> RiskLimits:
    risk = settings.risk
    return RiskLimits(
        max_order_notional=risk.max_order_notional,
        max_position_notional=risk.max_position_notional,
        max_open_orders=risk.max_open_orders,
        max_orders_per_10s=risk.max_orders_per_10s,
        block_while_unresolved=risk.block_while_unresolved,
        max_total_notional=risk.max_total_notional,
        max_daily_loss=risk.max_daily_loss,
        price_band=risk.price_band,
        symbols={symbol: SymbolLimits(**dict(own)) for symbol, own in risk.symbols.items()},
    )
