"""The engine's life: recover, listen, connect, work by the clock, end in order."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from cryptobot import __version__
from cryptobot.control.protocol import SOCKET_NAME
from cryptobot.domain.clock import NS_PER_S, Clock
from cryptobot.domain.errors import JournalUnavailable, UserError
from cryptobot.domain.ids import IdSource
from cryptobot.domain.market import Book, PublicTrade
from cryptobot.domain.mode import Mode, ModeTrigger, TradingState
from cryptobot.domain.order import Fill, Order
from cryptobot.engine import jobs, recovery
from cryptobot.engine.broadcast import Broadcast
from cryptobot.engine.connection import ExchangeConnection, is_simulator
from cryptobot.engine.control_server import ControlServer
from cryptobot.engine.dead_letter_methods import DeadLetterMethods
from cryptobot.engine.health_watch import HealthWatch
from cryptobot.engine.methods import ControlMethods
from cryptobot.engine.order_methods import OrderMethods
from cryptobot.engine.paper_account import PaperAccount
from cryptobot.engine.publisher import Publisher
from cryptobot.engine.rooms import RoomEvents, Rooms
from cryptobot.engine.start_mode import Situation, StartDecision, decide
from cryptobot.engine.status import StatusReport
from cryptobot.journal.journal import Journal
from cryptobot.journal.records import ModeChange, RunEnd, RunStart
from cryptobot.settings import Settings
from cryptobot.settings.model import OpenOrders
from cryptobot.trading.background import in_background
from cryptobot.trading.differences import Reconciliation
from cryptobot.trading.failover import Tripped
from cryptobot.trading.market_data import MarketEvent
from cryptobot.trading.mode_controller import ModeHooks, ModeStatus
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
        tidy: Called after each connect, while nothing can be traded yet: the time for what would
            hold up an order.
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
        tidy: Callable[[], None] = lambda: None,
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
        self._quote = settings.symbols[0].partition("/")[2]

        self._rooms = Rooms(
            settings,
            keys=keys,
            journal=journal,
            metrics=metrics,
            clock=clock,
            ids=ids,
            events=RoomEvents(
                self._on_stream, self._on_reconciliation, self._on_strategies, self._fail_over
            ),
        )
        self._paper_account = PaperAccount(self._rooms, clock)
        self._connection = ExchangeConnection(
            self._rooms, metrics, clock, on_connected=self._on_connected, tidy=tidy
        )
        self._lag = LoopLag(metrics, clock)
        self.metrics_port = settings.metrics.port
        self._status = StatusReport(
            settings=settings,
            clock=clock,
            started_ns=clock.monotonic_ns(),
            exchange=self._rooms.exchange,
            modes=self._rooms.modes,
            gateway=self._rooms.gateway,
            tracker=self._rooms.tracker,
            market=self._rooms.market,
            feed=self._rooms.feed,
            health=health,
            strategies=self._rooms.strategies,
            reconciler=self._rooms.reconciler,
            breakers=self._rooms.live.breakers.values(),
            dead_letters=self._rooms.dead_letters,
            failover=self._rooms.failover,
            daily_loss=self._rooms.daily_loss,
            live_blockers=lambda: [
                f"{item.precondition}: {item.detail}" for item in self._rooms.preconditions.now()
            ],
            metrics_port=lambda: self.metrics_port,
            loop_lag_ms=lambda: self._lag.worst_s * 1e3,
        )
        self._publisher = Publisher()
        self.broadcast = Broadcast(
            self._publisher,
            clock,
            status=self._status.to_wire,
            mode=self._rooms.modes.to_wire,
            portfolio=lambda: self._rooms.portfolio.to_wire(self._rooms.modes.mode, self._quote),
            strategies=self._rooms.strategies.to_wire,
        )
        self._health_watch = HealthWatch(
            health=health,
            metrics=metrics,
            exchange=self._rooms.exchange,
            market=self._rooms.market,
            symbols=settings.symbols,
            journal=journal,
            tracker=self._rooms.tracker,
            modes=self._rooms.modes,
            reconciler=self._rooms.reconciler,
            breakers=self._rooms.live.breakers.values(),
            loop_lag_s=lambda: self._lag.worst_s,
        )
        self._control = ControlServer(
            self.socket_path,
            ControlMethods(
                status=self._status,
                orders=OrderMethods(
                    gateway=self._rooms.gateway,
                    tracker=self._rooms.tracker,
                    settlement=self._rooms.settlement,
                    journal=journal,
                ),
                dead_letters=DeadLetterMethods(self._rooms.dead_letters),
                venues=self._rooms.venues,
                source=self._rooms.client,
                strategies=self._rooms.strategies,
                portfolio=self._rooms.portfolio,
                clock=clock,
                quote=self._quote,
                restart_exchange=self._restart_exchange,
                shut_down=self.request_stop,
            ).table(),
            self._publisher,
        )
        self._jobs = jobs.Jobs(
            {
                jobs.STATUS: (1.0, self._tell_status),
                jobs.CLOCK_SYNC: (10.0, self._sync_clock),
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

    @property
    def mode(self) -> Mode:
        """The mode in force."""
        return self._rooms.modes.mode

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
        self._tasks.append(in_background(self._rooms.modes.watch_fence_file(), "fence-file"))
        self._tasks.append(in_background(self._lag.run(), "loop-lag"))
        if self._settings.failover.enabled:
            self._tasks.append(in_background(self._rooms.failover.watch(), "failover"))
        self._health_watch.update()
        self._show_strategy_problems()
        _log.info(
            "engine_started",
            mode=str(self._rooms.modes.mode),
            reason=self._rooms.modes.status.reason,
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
        await self._rooms.strategies.close()
        await self._rooms.failover.close()
        await self._rooms.gateway.close(SHUTDOWN_ORDERS_S)
        await self._rooms.settlement.close()
        await self._rooms.reconciler.close()
        try:
            async with asyncio.timeout(SHUTDOWN_EXCHANGE_S):
                await self._connection.close()
        except TimeoutError:
            _log.warning("exchange_not_closed_in_time")
        await self._rooms.paper.close()
        await self._rooms.orders.drain()
        await self._control.close()
        try:
            await self._journal.record_run_ended(
                RunEnd(self._run.started_ns, self._run.pid, self._clock.now_ns())
            )
        except JournalUnavailable as error:
            _log.error("run_end_not_journalled", reason=str(error))
        _log.info("engine_stopped")

    async def _decide_mode(self) -> None:
        simulated = await is_simulator(self._rooms.client, self._settings)
        self._rooms.exchange.simulated = simulated
        last = await self._journal.last_mode()
        decision = decide(
            Situation(
                start=self._settings.mode.start,
                fenced=self._rooms.fence.file_present,
                simulated=simulated,
                last=last,
                runs=await self._journal.recent_runs(RUNS_LOOKED_AT),
                now_ns=self._clock.now_ns(),
                live_refusal=self._rooms.client.capabilities.live_refusal,
            )
        )
        await self._journal.record_run_started(self._run)
        await self._begin_in(decision, last)

    async def _begin_in(self, decision: StartDecision, last: ModeChange | None) -> None:
        now = self._clock.now_ns()
        self._rooms.modes.status = ModeStatus(
            decision.mode, now, decision.reason, "engine", decision.trigger
        )
        self._rooms.modes.trading_state = decision.trading_state
        self._metrics.mode.current(str(decision.mode))
        self._metrics.mode.trading_state(str(decision.trading_state))
        before = None if last is None else last.to_mode
        if before is Mode.LIVE and decision.mode is Mode.PAPER:  # switched while no engine ran
            self._paper_account.start_from_live()
        if before is not decision.mode:
            await self._journal.record_mode(
                ModeChange(now, before, decision.mode, decision.trigger, decision.reason, "engine")
            )
        if decision.trigger is ModeTrigger.CRASH_LOOP:
            self._rooms.fence.arm(reason=decision.reason, actor="engine", at_ns=now)

    async def _recover(self) -> None:
        await recovery.restore_metrics(self._journal, self._rooms.feed)
        self._rooms.orders.listen(self._rooms.feed.on_recorded)
        unresolved = await recovery.restore_orders(self._journal, self._rooms.tracker)
        await recovery.restore_positions(self._journal, self._rooms.portfolio)
        await recovery.restore_days(self._journal, self._rooms.daily_loss)
        await recovery.restore_balances(self._journal, self._rooms.book)
        await self._rooms.dead_letters.load()
        await self._paper_account.load(self._journal, self._settings.paper)
        for order in unresolved:
            self._rooms.settlement.start(order)

    def _listen(self) -> None:
        self._rooms.tracker.listen(self._rooms.portfolio.on_order)
        self._rooms.tracker.listen(self._on_order)
        if self._settings.failover.enabled:
            self._rooms.tracker.listen(self._rooms.failover.on_order)
        self._rooms.tracker.listen(self._rooms.strategies.on_order)
        self._rooms.tracker.listen(self.broadcast.on_order)
        self._rooms.market.listen(self._on_market)
        self._rooms.market.listen(self._rooms.strategies.on_market)
        self._rooms.market.listen(self.broadcast.on_market)
        self._metrics.before_scrape(self._rooms.refresh_gauges)
        self._rooms.modes.attach(
            self._rooms.fence,
            self._rooms.gateway,
            self._rooms.tracker,
            ModeHooks(
                start_paper_account=self._paper_account.start_from_live,
                live_preconditions=self._rooms.preconditions.check,
                changed=[self._rooms.feed.on_mode, self._on_mode, self.broadcast.on_mode],
            ),
        )

    # What happens

    def _on_connected(self) -> None:
        """Put the paper account back, now that the instruments are known, and go to work."""
        self._health.met("exchange")
        if self._paper_account.began:
            return
        self._paper_account.begin()
        for problem in self._rooms.strategy_problems:
            _log.error("strategy_not_loaded", reason=problem)
        for start in self._settings.strategies.start:
            try:
                self._rooms.strategies.start(start.name, start.params)
            except UserError as error:
                _log.error("strategy_not_started", reason=str(error))
                self._rooms.strategy_problems.append(str(error))
                self._show_strategy_problems()

    def _show_strategy_problems(self) -> None:
        if self._rooms.strategy_problems:
            self._health.set("strategies", "degraded", "; ".join(self._rooms.strategy_problems))

    def _on_reconciliation(self, result: Reconciliation) -> None:
        self._rooms.feed.on_reconciliation(result)
        if result.clean and self._rooms.modes.trading_state is TradingState.HALTED:
            self._rooms.modes.set_trading_state(TradingState.ACTIVE)

    def _on_order(self, order: Order, fills: tuple[Fill, ...]) -> None:
        if order.mode is Mode.LIVE:
            if fills or not order.is_open:
                self._connection.refresh_balances()
            halted = self._rooms.modes.trading_state is TradingState.HALTED
            # What a halt waits for may just have been settled: the next timed run is far away.
            if self._rooms.tracker.lacks_fills(order) or halted:
                self._rooms.reconciler.request()

    def _on_market(self, event: MarketEvent) -> None:
        if isinstance(event, Book):
            self._rooms.paper.on_book(event)
        elif isinstance(event, PublicTrade):
            self._rooms.paper.on_trade(event)

    def circuit_breakers(self) -> list[dict[str, object]]:
        """Return every circuit breaker, as ``/api`` shows them."""
        return [breaker.to_wire() for breaker in self._rooms.live.breakers.values()]

    async def _restart_exchange(self) -> None:
        for breaker in self._rooms.live.breakers.values():
            breaker.probe_now()
        await self._connection.restart()

    async def _fail_over(self, tripped: Tripped) -> None:
        await self._rooms.modes.to_paper(
            reason=f"failover, {tripped.trigger}: {tripped.reason}",
            actor="failover",
            trigger=ModeTrigger.FAILOVER,
            cancel_open=self._settings.failover.open_orders is OpenOrders.CANCEL,
        )

    def _on_mode(self, status: ModeStatus, before: Mode) -> None:
        # What waits to be tried again must look at the fence now, not in some seconds.
        self._rooms.live.wake()
        if status.trigger is ModeTrigger.FAILOVER and status.mode is not before:
            took_ns = self._clock.monotonic_ns() - self._rooms.failover.tripped_ns
            self._metrics.resilience.failover(took_ns / NS_PER_S)
        if status.mode is Mode.LIVE and before is Mode.PAPER:
            self._rooms.failover.forgive()
            self._connection.refresh_balances()
        self._metrics.mode.trading_state(str(self._rooms.modes.trading_state))
        if status.mode is not before:
            self._rooms.strategies.on_mode(status.mode)

    def _on_strategies(self) -> None:
        self.broadcast.strategies()

    def _on_stream(self, channel: str, symbol: str | None, event: str, reason: str | None) -> None:
        self._rooms.feed.on_stream(channel, symbol, event, reason)
        self._rooms.market.on_stream(channel, symbol, event, reason)
        if event == "disconnected":
            self._connection.on_disconnected(channel)
        elif event != "message":
            self._connection.on_taken_up(channel)

    # By the clock

    async def _tell_status(self) -> None:
        balances = await self._rooms.paper.balances()
        self._rooms.portfolio.set_balances(Mode.PAPER, balances, self._clock.now_ns())
        self._health_watch.update()
        self._health_watch.desktop(self._publisher)
        self.broadcast.status()

    async def _sync_clock(self) -> None:
        await self._connection.ask()

    async def _reconcile(self) -> None:
        if self._rooms.client.has_keys and self._rooms.client.instruments:
            result = await self._rooms.reconciler.run()
            if result.complete:
                self._connection.observe(up=True, detail="connected")
            else:
                self._connection.observe(up=False, detail=result.differences[0].detail)
            self._connection.refresh_balances()

    async def _roll_up(self) -> None:
        for mode in Mode:
            equity = self._rooms.portfolio.equity(mode, self._quote)
            if equity is not None:
                self._metrics.portfolio.equity(str(mode), self._quote, equity)
            realized = sum(item.realized for item in self._rooms.portfolio.positions(mode).values())
            self._metrics.portfolio.realized_pnl(str(mode), self._quote, realized)
