"""The tier of the wire: the simulator's own web application, over a network in memory.

Nothing of it is a model but the market and the network. What the machine gives (time, certificates,
randomness of aiohttp's) is the run's.
"""

import asyncio
import functools
import logging
import random
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import Context
from decimal import Decimal
from random import Random
from typing import Final
from unittest.mock import patch

import aiohttp.connector
import ccxt
import ccxt.pro
from aiohttp import web
from ccxt.async_support.base import throttler

from cryptobot.domain.clock import NS_PER_MS
from cryptobot.matching.events import ExecutionEvent
from cryptobot.matching.records import OrderRecord
from cryptobot.simulator.limit_settings import LimitSettings
from cryptobot.simulator.security import Credentials
from cryptobot.simulator.server.app import Simulator, SimulatorSettings, build_simulator
from cryptobot.simulator.symbol_market import SymbolMarket
from cryptobot.simulator.tape import TapeTrade
from cryptobot.simulator.venue import ChangedLevels
from cryptobot.trading.ccxt_streams import SILENCE_S
from cryptobot.trading.exchange import Balance

from .http_reader import ORDER_PATH
from .incarnation import PROCESS
from .tier import Witness, World
from .virtual_loop import VirtualClock
from .wire_faults import faults_of
from .wire_market import WireMarket
from .wire_way import WireWay

FIRST_BAN_S: Final = 5
"""A run is short; the exchange's two minutes would be all of it."""

BOOK_SILENCE_S: Final = 4.0
"""Nor need a book be waited for as long as in a life: twice the market's calmest pause."""

_make_context = functools.cache(ssl.create_default_context)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class WireExchange:
    """Implements ``Judged`` for the simulator's core."""

    def __init__(self, simulator: Simulator, market: WireMarket) -> None:
        self._engine = simulator.exchange.venue.engine
        self.price: Callable[[str], Decimal] = market.price

    def holds(self, client_order_id: str) -> bool:
        """Whether there is, or was, such an order."""
        find = self._engine.find
        return any(find(it, client_order_id=client_order_id) for it in self._engine.instruments)

    def orders(self) -> list[OrderRecord]:
        """Return every order."""
        return [order for it in self._engine.instruments for order in self._engine.orders(it)]

    def trades(self) -> set[tuple[str, str]]:
        """Return symbol and id of every trade."""
        return {
            (symbol, str(trade.trade_id))
            for symbol in self._engine.instruments
            for trade in self._engine.trades(symbol)
        }

    def balances(self) -> dict[str, Balance]:
        """Return what the account holds."""
        held = self._engine.ledger.balances()
        return {asset: Balance(it.free, it.locked) for asset, it in held.items()}


class _Arrivals:
    """A ``VenueListener`` that tells of orders as they are executed."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness
        self._known: set[int] = set()

    def traded(self, market: SymbolMarket, trade: TapeTrade) -> None:
        """Do nothing."""

    def book_changed(self, market: SymbolMarket, levels: ChangedLevels) -> None:
        """Do nothing."""

    def time_passed(self, now_ns: int) -> None:
        """Do nothing."""

    def executed(self, market: SymbolMarket, event: ExecutionEvent) -> None:
        """Tell of a new order, and that there is something to report."""
        del market
        if event.order.order_id not in self._known:
            self._known.add(event.order.order_id)
            self._witness.on_arrived(event.order.client_order_id)
        self._witness.on_report()


class WireTier:
    """Implements ``Tier``."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._market = WireMarket(world.rng("market"))
        self._simulator = build_simulator(
            self._market,
            SimulatorSettings(
                seed=world.scenario.seed,
                clock=VirtualClock(world.loop),  # the exchange's clock is right
                credentials=Credentials("key", "secret"),
                limits=LimitSettings(first_ban_s=FIRST_BAN_S),
            ),
        )
        self._simulator.exchange.venue.listen(_Arrivals(world.witness))
        self._simulator.app.middlewares.insert(0, self._see)
        self._runner = web.AppRunner(self._simulator.app, access_log=None, shutdown_timeout=0)
        self._outside = Context()
        self.exchange = WireExchange(self._simulator, self._market)

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Let ccxt's sockets and aiohttp's pool live in virtual time."""
        world = self._world
        before = random.getstate()
        random.seed(world.scenario.seed)  # masks of websockets
        # They complain of the killed, who close nothing, and of clients that have gone.
        loggers = {name: logging.getLogger(name) for name in ("ccxt", "aiohttp.server")}
        levels = {name: logger.level for name, logger in loggers.items()}
        for logger in loggers.values():
            logger.setLevel(logging.CRITICAL)

        def now_ms() -> int:
            return world.clock.now_ns() // NS_PER_MS

        with (
            patch.object(ccxt.Exchange, "milliseconds", staticmethod(now_ms)),
            patch.object(throttler, "time", lambda: now_ms() / 1000),
            patch.object(aiohttp.connector, "monotonic", world.loop.time),
            patch.object(ssl, "create_default_context", _make_context),
            patch.dict(SILENCE_S, book=BOOK_SILENCE_S),
        ):
            yield
        for name, logger in loggers.items():
            logger.setLevel(levels[name])
        random.setstate(before)

    async def open(self) -> None:
        """Start the application."""
        await self._runner.setup()

    def way(self, rng: Random) -> WireWay:
        """Make the way of a new engine."""
        return WireWay(self._world, self._accept, rng)

    def move(self) -> None:
        """Let the market move up to now, and all hear of it."""
        self._simulator.exchange.venue.advance()

    def begin_faults(self) -> None:
        """Set what goes wrong at the exchange, as its administrator does."""
        self._simulator.plan.add(faults_of(self._world.scenario.spells))

    def end_faults(self) -> None:
        """Take it all away, bans included."""
        self._simulator.plan.clear()
        self._simulator.exchange.limits.gate.pardon()

    def _accept(self) -> tuple[asyncio.Protocol, Context]:
        assert self._runner.server is not None
        assert self._outside.get(PROCESS) is None
        return self._runner.server(), self._outside

    @web.middleware
    async def _see(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Note which orders will not arrive any more, whatever becomes of their answers."""
        is_order = request.method == "POST" and request.path == ORDER_PATH
        name = str((await request.post()).get("newClientOrderId")) if is_order else None
        try:
            return await handler(request)
        finally:
            if name is not None:
                self._world.witness.on_lost(name)
