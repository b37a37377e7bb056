"""The engine's connection to the exchange: opened, watched, restarted, closed."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from itertools import chain, repeat
from typing import Final

import structlog

from cryptobot.domain.clock import Clock
from cryptobot.domain.errors import ReadFailed, UserError
from cryptobot.domain.mode import Mode
from cryptobot.engine.rooms import Rooms
from cryptobot.settings import Settings, StartMode
from cryptobot.trading.background import in_background
from cryptobot.trading.ccxt_streams import OWN
from cryptobot.trading.exchange import Exchange
from cryptobot.trading.exchange_client import ExchangeClient
from telemetry.metrics import Metrics

CONNECT_WAITS_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Pauses between attempts to connect; the last one repeats."""

SIMULATOR_S: Final = (0.0, 0.5, 1.0)
"""Pauses before each attempt to learn whether the exchange is the simulator."""

ASK_AGAIN_S: Final = (1.0, 2.0, 4.0)
"""Pauses between questions whether an exchange that fell silent answers again; the last repeats."""

BALANCE_PAUSE_S: Final = 0.5
"""Fills within it make one refresh of the balances."""

_log = structlog.stdlib.get_logger("cryptobot.engine")


class ExchangeConnection:
    """Keeps market data, own orders and balances flowing.

    Args:
        rooms: What lives on the connection: market data, the tracker of orders, balances; and what
            asks after every gap what became of them.
        metrics: Shown to machines.
        clock: Stamps balances.
        on_connected: Told after each connect, when market data begins to flow.
        tidy: Called after each connect, before anybody knows of it.
    """

    def __init__(
        self,
        rooms: Rooms,
        metrics: Metrics,
        clock: Clock,
        *,
        on_connected: Callable[[], None],
        tidy: Callable[[], None],
    ) -> None:
        self._rooms = rooms
        self._client = rooms.client
        self._state = rooms.exchange
        self._metrics = metrics
        self._clock = clock
        self._on_connected = on_connected
        self._tidy = tidy
        self._tasks: list[asyncio.Task[None]] = []
        self._paper_reports: asyncio.Task[None] | None = None
        self._balances: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[None] | None = None
        self._connected = False
        self._lock = asyncio.Lock()

    def start(self) -> None:
        """Begin to connect, in the background, for as long as it takes."""
        limits = self._client.capabilities.limits
        if limits is not None:
            _log.warning("exchange_limits", limits=limits)
        self._paper_reports = in_background(
            self._follow_reports(Mode.PAPER, self._rooms.paper), "paper-reports"
        )
        self._tasks.append(in_background(self._connect(), "exchange-connect"))

    async def close(self) -> None:
        """Stop everything and close the client."""
        await self._stop()
        if self._paper_reports is not None:
            self._paper_reports.cancel()
            await asyncio.gather(self._paper_reports, return_exceptions=True)
        await self._client.close()
        self._show(up=False, session="closed", detail="closed")

    async def restart(self) -> None:
        """Close the client and connect anew; orders on their way end as "unknown"."""
        async with self._lock:
            _log.warning("exchange_restart")
            await self._stop()
            await self._client.close()
            self._tasks.append(in_background(self._connect(), "exchange-connect"))

    def refresh_balances(self) -> None:
        """Read the live balances soon; several calls make one read."""
        if self._client.has_keys and (self._balances is None or self._balances.done()):
            self._balances = in_background(self._read_balances(), "balances")

    def on_disconnected(self, channel: str) -> None:
        """Ask whether the exchange is there, and reconcile if own orders or fills have a gap."""
        self.on_taken_up(channel)
        self._ask_until_answered(0.0)

    def on_taken_up(self, channel: str) -> None:
        """Reconcile if own orders or fills had a gap: it may have gone on since it was noticed."""
        if channel in OWN:
            self._rooms.reconciler.request()

    async def ask(self) -> None:
        """Learn whether the exchange answers, and its time; if it does not, ask until it does.

        Raises:
            ReadFailed: It does not.
        """
        if not self._connected:
            return  # whoever connects asks
        try:
            await self._client.sync_clock()
        except ReadFailed as error:
            self.observe(up=False, detail=str(error))
            self._ask_until_answered(ASK_AGAIN_S[0])
            raise
        self.observe(up=True, detail="connected")

    def _ask_until_answered(self, first_s: float) -> None:
        async def asking() -> None:
            for pause_s in chain((first_s,), ASK_AGAIN_S, repeat(ASK_AGAIN_S[-1])):
                await asyncio.sleep(pause_s)
                with suppress(ReadFailed):
                    await self.ask()
                    break

        if self._asking is None or self._asking.done():
            self._asking = in_background(asking(), "exchange-ask")

    async def _stop(self) -> None:
        self._connected = False
        asked = (self._balances, self._asking)
        tasks = [*self._tasks, *(task for task in asked if task is not None)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()
        await self._rooms.market.close()

    async def _connect(self) -> None:
        self._show(up=False, session="connecting", detail="connecting")
        attempt = 0
        while True:
            try:
                if self._state.simulated is None:
                    self._state.simulated = await self._client.is_simulator()
                await self._client.connect()
                break
            except UserError as error:  # trying again will not mend it
                self._show(up=False, session="failed", detail=str(error))
                _log.error("exchange_unusable", reason=str(error))
                return
            except Exception as error:  # noqa: BLE001 - whatever it is, it may be over next time
                wait = CONNECT_WAITS_S[min(attempt, len(CONNECT_WAITS_S) - 1)]
                attempt += 1
                self._show(up=False, session="failed", detail=str(error))
                unusual = None if isinstance(error, ReadFailed) else error
                _log.warning(
                    "exchange_connect_failed",
                    reason=str(error),
                    next_try_s=wait,
                    exc_info=unusual,
                )
                await asyncio.sleep(wait)
        self._tidy()
        self._connected = True
        self._show(up=True, session="ready", detail="connected")
        _log.info(
            "exchange_connected",
            exchange=self._client.id,
            simulated=self._state.simulated,
            clock_skew_ms=self._client.clock_skew_ms,
        )
        if self._client.has_keys:
            self._tasks.append(
                in_background(self._follow_reports(Mode.LIVE, self._client), "own-reports")
            )
            try:
                await self._read_balances()
                # Before the books' snapshots, which fill ccxt's rate limiter for seconds.
                await self._rooms.reconciler.run()
            except Exception:  # noqa: BLE001 - it runs again by the clock; the market must not wait for it
                _log.exception("account_not_compared")
        self._rooms.market.start()
        self._on_connected()

    async def _follow_reports(self, mode: Mode, venue: Exchange) -> None:
        async for report in venue.watch_order_reports():
            try:
                self._rooms.tracker.apply(mode, report, "stream")
            except Exception:  # noqa: BLE001 - one odd report must not end the stream
                _log.exception("order_report_unusable", mode=str(mode))
                self._rooms.reconciler.request()

    async def _read_balances(self) -> None:
        await asyncio.sleep(BALANCE_PAUSE_S if self._rooms.portfolio.balances(Mode.LIVE) else 0)
        try:
            balances = await self._client.balances()
        except ReadFailed as error:
            _log.warning("balances_not_read", reason=str(error))
        else:
            self._rooms.portfolio.set_balances(Mode.LIVE, balances, self._clock.now_ns())

    def observe(self, *, up: bool, detail: str) -> None:
        """Take in whether the exchange answers now, and reconcile if it did not a moment ago."""
        if up and not self._state.up and self._client.has_keys:
            self._rooms.reconciler.request()
        if up != self._state.up or not up:
            self._show(up=up, session="ready" if up else "failed", detail=detail)
        else:
            self._show_clock()

    def _show(self, *, up: bool, session: str, detail: str) -> None:
        back = up and not self._state.up
        self._state.up, self._state.detail = up, detail
        self._metrics.exchange.up(self._client.id, up)
        self._metrics.exchange.session(self._client.id, session)
        self._show_clock()
        if back:
            self._rooms.on_exchange_back()

    def _show_clock(self) -> None:
        self._state.clock_skew_ms = self._client.clock_skew_ms
        if self._client.clock_skew_ms is not None:
            # The metric tells by how much this machine is ahead.
            self._metrics.exchange.clock_skew(self._client.id, -self._client.clock_skew_ms / 1e3)


async def is_simulator(client: ExchangeClient, settings: Settings) -> bool | None:
    """Return whether the exchange is the simulator, ``None`` if it cannot be asked.

    Only a start that depends on it tries again; otherwise it is asked when connecting.
    """
    if settings.exchange.connect_to is None:
        return False
    waits_s = SIMULATOR_S if settings.mode.start is StartMode.LIVE else SIMULATOR_S[:1]
    for wait_s in waits_s:
        await asyncio.sleep(wait_s)
        try:
            return await client.is_simulator()
        except ReadFailed as error:
            _log.warning("simulator_not_asked", reason=str(error))
    return None
