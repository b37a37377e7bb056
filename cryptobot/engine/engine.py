"""The composition root: builds the rooms, connects them, and ends them in order."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import structlog

from cryptobot import __version__
from cryptobot.control.protocol import FENCE_NAME, SOCKET_NAME
from cryptobot.domain.clock import Clock
from cryptobot.domain.errors import JournalUnavailable, ReadFailed, UserError
from cryptobot.domain.ids import IdSource
from cryptobot.domain.instrument import Instrument
from cryptobot.domain.market import Book, PublicTrade
from cryptobot.domain.mode import Mode, ModeTrigger, TradingState
from cryptobot.domain.order import Fill, Order
from cryptobot.engine import jobs, recovery
from cryptobot.engine.broadcast import Broadcast
from cryptobot.engine.connection import ExchangeConnection
from cryptobot.engine.control_server import ControlServer
from cryptobot.engine.health_watch import HealthWatch
from cryptobot.engine.live_preconditions import LivePreconditions
from cryptobot.engine.methods import ControlMethods
from cryptobot.engine.metrics_feed import MetricsFeed
from cryptobot.engine.publisher import Publisher
from cryptobot.engine.start_mode import Situation, StartDecision, decide
from cryptobot.engine.status import ExchangeState, StatusReport
from cryptobot.journal.journal import Journal
from cryptobot.journal.records import AccountSnapshot, Holding, ModeChange, RunEnd, RunStart
from cryptobot.matching.records import FeeSchedule
from cryptobot.settings import Settings
from cryptobot.strategies.catalogue import find_strategies
from cryptobot.strategies.runner import StrategyRunner
from cryptobot.trading.exchange import Exchange
from cryptobot.trading.exchange_client import ExchangeClient, ExchangeConfig
from cryptobot.trading.fence import Fence
from cryptobot.trading.market_data import MarketData, MarketEvent
from cryptobot.trading.mode_controller import ModeController, ModeHooks, ModeStatus
from cryptobot.trading.order_gateway import OrderGateway
from cryptobot.trading.order_journal import OrderJournal
from cryptobot.trading.order_tracker import OrderTracker
from cryptobot.trading.paper_exchange import PaperExchange
from cryptobot.trading.portfolio import Portfolio
from cryptobot.trading.reconciler import Reconciler, Reconciliation
from cryptobot.trading.risk import Risk, RiskLimits
from cryptobot.trading.settlement import Settlement
from telemetry.health import Health
from telemetry.loop_lag import LoopLag
from telemetry.metrics import Metrics

RUNS_LOOKED_AT: Final = 10
SHUTDOWN_ORDERS_S: Final = 1.5
"""Longest wait for answers of orders on their way when the engine ends."""
SHUTDOWN_EXCHANGE_S: Final = 1.0

_log = structlog.stdlib.get_logger("cryptobot.engine")


class Engine:
    """The running engine. ``start``, then ``wait``, then ``close``.

    Args:
        settings: How to run.
        keys: API key and secret.
        journal: Started.
        metrics: Counts.
        health: Tells.
        clock: Time.
        ids: New ids.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        keys: tuple[str | None, str | None],
        journal: Journal,
        metrics: Metrics,
        health: Health,
        clock: Clock,
        ids: IdSource,
    ) -> None:
        self._settings = settings
        self._journal = journal
        self._metrics = metrics
        self._health = health
        self._clock = clock
        self._stop = asyncio.Event()
        self._stop_reason = ""
        self._tasks: list[asyncio.Task[None]] = []
        self._run = RunStart(clock.now_ns(), os.getpid(), __version__)
        self._exchange = ExchangeState(settings.exchange.id, settings.exchange.connect_to)
        self._started_strategies = False
        self._quote = settings.symbols[0].partition("/")[2]

        self._feed = MetricsFeed(metrics, settings.exchange.id, clock)
        self._client = ExchangeClient(
            ExchangeConfig(
                id=settings.exchange.id,
                api_key=keys[0],
                secret=keys[1],
                timeout_s=settings.exchange.timeout_s,
                connect_to=settings.exchange.target,
                tls_ca=settings.exchange.tls_ca,
                book_depth=settings.exchange.book_depth,
            ),
            clock,
            on_request=self._feed.on_request,
            on_stream=self._on_stream,
        )
        self._market = MarketData(self._client, settings.symbols, settings.timeframe, clock)
        self._portfolio = Portfolio(self._market.price)
        self._orders = OrderJournal(journal, settings.exchange.id)
        self._tracker = OrderTracker(clock, self._orders.change)
        self._paper = PaperExchange(
            self._client.instruments,
            {},
            FeeSchedule(maker=settings.paper.maker_fee, taker=settings.paper.taker_fee),
            clock,
            exchange_id=settings.exchange.id,
            trade_prefix=f"{self._run.started_ns:x}-",
        )
        self._venues: Mapping[Mode, Exchange] = {
            Mode.LIVE: self._client,
            Mode.PAPER: self._paper,
        }
        self._modes = ModeController(
            ModeStatus(Mode.PAPER, clock.now_ns(), "starting", "engine", ModeTrigger.START),
            clock,
            journal,
        )
        self._fence = Fence(settings.state_dir / FENCE_NAME, lambda: self._modes.mode)
        self._settlement = Settlement(
            self._venues,
            self._tracker,
            clock,
            patience_s=settings.reconciliation.not_found_patience_s,
            on_settled=lambda _: None,
        )
        self._gateway = OrderGateway(
            venues=self._venues,
            tracker=self._tracker,
            journal=self._orders,
            fence=self._fence,
            risk={mode: Risk(_limits(settings), clock) for mode in Mode},
            account=self._portfolio,
            clock=clock,
            ids=ids,
            mode=lambda: self._modes.mode,
            trading_state=lambda: self._modes.trading_state,
            on_unresolved=self._settlement.start,
            on_denied=metrics.orders.denied,
        )
        self._reconciler = Reconciler(
            self._client,
            self._tracker,
            settings.symbols,
            clock,
            on_unresolved=self._settlement.start,
            on_result=self._on_reconciliation,
        )
        self._preconditions = LivePreconditions(
            settings,
            self._client,
            self._exchange,
            self._market,
            self._orders,
            self._tracker,
            self._reconciler,
        )
        kinds, self._strategy_problems = find_strategies(settings.strategies.folder)
        self._strategies = StrategyRunner(
            kinds,
            self._gateway,
            instruments=self._watched_instrument,
            history=lambda symbol: self._market.candles(symbol, 1500),
            open_orders=lambda: self._tracker.open_orders(self._modes.mode),
            on_change=self._on_strategies,
        )
        self._connection = ExchangeConnection(
            client=self._client,
            paper=self._paper,
            market=self._market,
            tracker=self._tracker,
            reconciler=self._reconciler,
            portfolio=self._portfolio,
            state=self._exchange,
            metrics=metrics,
            clock=clock,
            on_connected=self._on_connected,
        )
        self._lag = LoopLag(metrics, clock)
        self.metrics_port = settings.metrics.port
        self._status = StatusReport(
            settings=settings,
            clock=clock,
            started_ns=clock.monotonic_ns(),
            exchange=self._exchange,
            modes=self._modes,
            gateway=self._gateway,
            tracker=self._tracker,
            market=self._market,
            feed=self._feed,
            health=health,
            strategies=self._strategies,
            live_blockers=lambda: [
                f"{item.precondition}: {item.detail}" for item in self._preconditions.now()
            ],
            metrics_port=lambda: self.metrics_port,
            loop_lag_ms=lambda: self._lag.worst_s * 1e3,
        )
        self._publisher = Publisher()
        self.broadcast = Broadcast(
            self._publisher,
            clock,
            status=self._status.to_wire,
            mode=self._modes.to_wire,
            portfolio=lambda: self._portfolio.to_wire(self._modes.mode, self._quote),
            strategies=self._strategies.to_wire,
        )
        self._health_watch = HealthWatch(
            health=health,
            metrics=metrics,
            exchange=self._exchange,
            market=self._market,
            symbols=settings.symbols,
            journal=journal,
            tracker=self._tracker,
            modes=self._modes,
            loop_lag_s=lambda: self._lag.worst_s,
        )
        self._control = ControlServer(
            self.socket_path,
            ControlMethods(
                status=self._status,
                venues=self._venues,
                journal=journal,
                strategies=self._strategies,
                portfolio=self._portfolio,
                clock=clock,
                quote=self._quote,
                restart_exchange=self._connection.restart,
                shut_down=self.request_stop,
            ).table(),
            self._publisher,
        )
        self._jobs = jobs.Jobs(
            {
                jobs.STATUS: (1.0, self._tell_status),
                jobs.CLOCK_SYNC: (30.0, self._sync_clock),
                jobs.RECONCILIATION: (settings.reconciliation.interval_s, self._reconcile),
                jobs.ROLLUP: (60.0, self._roll_up),
            },
            metrics,
            clock,
        )

    @property
    def socket_path(self) -> Path:
        """The control socket."""
        return self._settings.state_dir / SOCKET_NAME

    async def start(self) -> None:
        """Recover from the journal, open the control socket, begin to connect.

        Raises:
            UserError: The settings do not allow it here.
            JournalUnavailable: The journal cannot be read or written.
        """
        await self._decide_mode()
        await self._recover()
        self._listen()
        await self._control.start()
        self._connection.start()
        self._jobs.start()
        self._tasks.append(asyncio.create_task(self._modes.watch_fence_file(), name="fence-file"))
        self._tasks.append(asyncio.create_task(self._lag.run(), name="loop-lag"))
        self._health_watch.update()
        _log.info(
            "engine_started",
            mode=str(self._modes.mode),
            reason=self._modes.status.reason,
            state_dir=str(self._settings.state_dir),
            metrics_port=self.metrics_port,
        )

    async def wait(self) -> str:
        """Return the reason when somebody wants the engine to end."""
        await self._stop.wait()
        return self._stop_reason

    def request_stop(self, reason: str) -> None:
        """Ask the engine to end in order."""
        self._stop_reason = self._stop_reason or reason
        self._stop.set()

    async def close(self) -> None:
        """End in order: no new orders, answers awaited, records on disk, files closed."""
        _log.info("engine_stopping", reason=self._stop_reason)
        self._jobs.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._strategies.close()
        await self._gateway.close(SHUTDOWN_ORDERS_S)
        await self._settlement.close()
        await self._reconciler.close()
        try:
            async with asyncio.timeout(SHUTDOWN_EXCHANGE_S):
                await self._connection.close()
        except TimeoutError:
            _log.warning("exchange_not_closed_in_time")
        await self._paper.close()
        await self._orders.drain()
        await self._control.close()
        try:
            await self._journal.record_run_ended(
                RunEnd(self._run.started_ns, self._run.pid, self._clock.now_ns())
            )
        except JournalUnavailable as error:
            _log.error("run_end_not_journalled", reason=str(error))
        _log.info("engine_stopped")

    async def _decide_mode(self) -> None:
        if self._settings.exchange.connect_to is not None:
            try:
                self._exchange.simulated = await self._client.is_simulator()
            except ReadFailed as error:
                _log.warning("simulator_not_asked", reason=str(error))
        last = await self._journal.last_mode()
        decision = decide(
            Situation(
                start=self._settings.mode.start,
                fenced=self._fence.file_present,
                simulated=self._exchange.simulated,
                last=last,
                runs=await self._journal.recent_runs(RUNS_LOOKED_AT),
                now_ns=self._clock.now_ns(),
            )
        )
        await self._journal.record_run_started(self._run)
        await self._begin_in(decision, last)

    async def _begin_in(self, decision: StartDecision, last: ModeChange | None) -> None:
        now = self._clock.now_ns()
        self._modes.status = ModeStatus(
            decision.mode, now, decision.reason, "engine", decision.trigger
        )
        self._modes.trading_state = decision.trading_state
        self._metrics.mode.current(str(decision.mode))
        self._metrics.mode.trading_state(str(decision.trading_state))
        before = None if last is None else last.to_mode
        if before is not decision.mode:
            await self._journal.record_mode(
                ModeChange(now, before, decision.mode, decision.trigger, decision.reason, "engine")
            )
        if decision.trigger is ModeTrigger.CRASH_LOOP:
            self._fence.arm(reason=decision.reason, actor="engine", at_ns=now)

    async def _recover(self) -> None:
        await recovery.restore_metrics(self._journal, self._feed)
        self._orders.listen(self._feed.on_recorded)
        unresolved = await recovery.restore_orders(self._journal, self._tracker)
        await recovery.restore_positions(self._journal, self._portfolio)
        self._paper_start = await recovery.paper_balances(
            self._journal, self._settings.paper.balances
        )
        for order in unresolved:
            self._settlement.start(order)

    def _listen(self) -> None:
        self._tracker.listen(self._portfolio.on_order)
        self._tracker.listen(self._on_order)
        self._tracker.listen(self._strategies.on_order)
        self._tracker.listen(self.broadcast.on_order)
        self._market.listen(self._on_market)
        self._market.listen(self._strategies.on_market)
        self._market.listen(self.broadcast.on_market)
        self._metrics.before_scrape(
            lambda: self._feed.gauges(self._tracker, self._portfolio, self._gateway.sending)
        )
        self._modes.attach(
            self._fence,
            self._gateway,
            self._tracker,
            ModeHooks(
                start_paper_account=self._start_paper_account,
                live_preconditions=self._preconditions.check,
                changed=[self._feed.on_mode, self._on_mode, self.broadcast.on_mode],
            ),
        )

    # What happens

    def _on_connected(self) -> None:
        """Put the paper account back, now that the instruments are known, and go to work."""
        if not self._started_strategies:
            open_paper = self._tracker.open_orders(Mode.PAPER)
            for order in self._paper.restore(self._paper_start, open_paper):
                _log.warning("paper_order_not_restored", orderId=order.order_id)
            for problem in self._strategy_problems:
                _log.error("strategy_not_loaded", reason=problem)
        self._health.met("exchange")
        self._tasks.append(asyncio.create_task(self._begin_trading(), name="begin-trading"))

    async def _begin_trading(self) -> None:
        if self._modes.mode is Mode.LIVE and self._modes.trading_state is TradingState.HALTED:
            await self._reconciler.run()
        if self._started_strategies:
            return
        self._started_strategies = True
        for start in self._settings.strategies.start:
            try:
                self._strategies.start(start.name, start.params)
            except UserError as error:
                _log.error("strategy_not_started", reason=str(error))

    def _on_reconciliation(self, result: Reconciliation) -> None:
        self._feed.on_reconciliation(result)
        if result.clean and self._modes.trading_state is TradingState.HALTED:
            self._modes.set_trading_state(TradingState.ACTIVE)

    def _on_order(self, order: Order, fills: tuple[Fill, ...]) -> None:
        if order.mode is Mode.LIVE:
            if fills or not order.is_open:
                self._connection.refresh_balances()
            if self._tracker.lacks_fills(order):
                self._reconciler.request()

    def _on_market(self, event: MarketEvent) -> None:
        if isinstance(event, Book):
            self._paper.on_book(event)
        elif isinstance(event, PublicTrade):
            self._paper.on_trade(event)

    def _on_mode(self, status: ModeStatus, before: Mode) -> None:
        self._metrics.mode.trading_state(str(self._modes.trading_state))
        if status.mode is not before:
            self._strategies.on_mode(status.mode)

    def _on_strategies(self) -> None:
        self.broadcast.strategies()

    def _on_stream(self, channel: str, symbol: str | None, event: str, reason: str | None) -> None:
        self._feed.on_stream(channel, symbol, event, reason)
        if event == "disconnected":
            _log.warning("stream_disconnected", channel=channel, symbol=symbol, reason=reason)
            self._connection.on_stream(channel, event)

    def _start_paper_account(self) -> None:
        """Start the paper account from the live one; called at the very moment of the switch."""
        balances = self._portfolio.balances(Mode.LIVE)
        if not balances:
            return  # never read: the paper account goes on with what it had
        self._paper.reset(balances)
        self._portfolio.set_positions(Mode.PAPER, self._portfolio.positions(Mode.LIVE))
        holdings = {
            asset: Holding(balance.total, balance.locked * 0) for asset, balance in balances.items()
        }
        try:
            self._journal.record_account(
                AccountSnapshot(Mode.PAPER, self._clock.now_ns(), holdings)
            )
        except JournalUnavailable as error:
            _log.error("paper_account_not_journalled", reason=str(error))

    def _watched_instrument(self, symbol: str) -> Instrument | None:
        return self._client.instruments.get(symbol) if symbol in self._settings.symbols else None

    # By the clock

    async def _tell_status(self) -> None:
        self._portfolio.set_balances(Mode.PAPER, await self._paper.balances())
        self._health_watch.update()
        self._health_watch.desktop(self._publisher)
        self.broadcast.status()

    async def _sync_clock(self) -> None:
        if self._exchange.detail == "connecting":
            return
        try:
            await self._client.sync_clock()
        except ReadFailed as error:
            self._connection.observe(up=False, detail=str(error))
            raise
        self._connection.observe(up=True, detail="connected")

    async def _reconcile(self) -> None:
        if self._client.has_keys and self._client.instruments:
            result = await self._reconciler.run()
            if result.complete:
                self._connection.observe(up=True, detail="connected")
            else:
                self._connection.observe(up=False, detail=result.differences[0])
            self._connection.refresh_balances()

    async def _roll_up(self) -> None:
        for mode in Mode:
            equity = self._portfolio.equity(mode, self._quote)
            if equity is not None:
                self._metrics.portfolio.equity(str(mode), self._quote, equity)
            realized = sum(item.realized for item in self._portfolio.positions(mode).values())
            self._metrics.portfolio.realized_pnl(str(mode), self._quote, realized)


def _limits(settings: Settings) -> RiskLimits:
    risk = settings.risk
    return RiskLimits(
        max_order_notional=risk.max_order_notional,
        max_position_notional=risk.max_position_notional,
        max_open_orders=risk.max_open_orders,
        max_orders_per_10s=risk.max_orders_per_10s,
    )
