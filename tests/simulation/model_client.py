"""In the place of the ccxt client: the wire to the model exchange, with all that goes wrong on it.

A request that has left goes its own way: whatever becomes of the client, its task or its process,
it arrives, or does not, when the weather says.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final, TypeVar

from cryptobot.domain.clock import Clock
from cryptobot.domain.errors import (
    NotSent,
    OrderRefused,
    OutcomeUnknown,
    ReadFailed,
    Silenced,
    VenueError,
)
from cryptobot.domain.instrument import Instrument
from cryptobot.domain.market import Book, Candle, PublicTrade
from cryptobot.domain.order import Fill, OrderReport, OrderState
from cryptobot.matching.refusal import Refusal, RefusalCode
from cryptobot.trading.capabilities import capabilities_of
from cryptobot.trading.ccxt_streams import StreamObserver
from cryptobot.trading.exchange import Balance, OrderRequest, Permit
from cryptobot.trading.traffic import Budget, Traffic

from .model_exchange import INSTRUMENTS
from .model_wire import ModelWire
from .weather import LATEST_ARRIVAL_S, TIMEOUT_S, WriteFault

_F = WriteFault
_T = TypeVar("_T")

VERDICTS: Final[Mapping[WriteFault, Callable[[], VenueError]]] = {
    _F.REFUSED: lambda: OrderRefused("-2010 insufficient balance", "insufficient_funds"),
    _F.FAILED: lambda: OutcomeUnknown("503 Service Unavailable", "http_5xx"),
}
"""What the client hears of requests that the exchange does not execute."""

UNHEARD: Final = {_F.REQUEST_LOST, _F.REPLY_LOST, _F.REQUEST_LATE}
RESET_S = 0.05
HOST = "api.binance.com"
"""When a client hears of a connection that broke."""


class ModelClient:
    """Implements ``Exchange`` and ``MarketSource`` for one engine.

    Args:
        wire: Leads to the exchange.
        clock: The engine's machine's.
        on_request: As ``ExchangeClient``'s.
        on_stream: As ``ExchangeClient``'s.
        on_limited: As ``ExchangeClient``'s.
    """

    id = "binance"
    has_keys = True

    def __init__(
        self,
        wire: ModelWire,
        clock: Clock,
        on_request: Callable[[str, str, float], None] | None,
        on_stream: StreamObserver | None,
        on_limited: Callable[[float], None],
    ) -> None:
        self._wire = wire
        self._clock = clock
        self._on_request = on_request
        self._on_stream = on_stream
        self.instruments: dict[str, Instrument] = {}
        self.clock_skew_ms: float | None = None
        self._connected = False
        self.capabilities = capabilities_of(self.id)
        self.traffic = Traffic(Budget(6_000), clock, on_limited=on_limited)

    async def connect(self) -> None:
        """Load the instruments."""
        await self._ask(lambda _: None)
        self.instruments.update(INSTRUMENTS)
        self.clock_skew_ms = 0.0
        self._connected = True

    async def close(self) -> None:
        """Forget the connection."""
        self._connected = False

    async def sync_clock(self) -> float:
        """Measure the clock."""
        self.clock_skew_ms = await self._read(
            lambda _: (self._wire.exchange_ns() - self._clock.now_ns()) / 1e6
        )
        return self.clock_skew_ms

    def hasten(self) -> None:
        """Do nothing: no stream pauses here."""

    async def is_simulator(self) -> bool:
        """It is none: live must be earned."""
        return False

    # Writes

    async def place_order(self, request: OrderRequest, permit: Permit) -> OrderReport:
        """Send an order, as ``GatedRequest`` does: permit, last look, bytes."""
        if not self._connected:
            raise NotSent("not connected", "not_sent")
        fault = self._wire.fault()
        await self._wire.pause()  # the limiter, signing, a connection
        if fault is _F.UNREACHABLE:
            raise NotSent("connection refused", "connection_refused")
        await permit()
        await self._wire.pause()
        permit.check()
        await asyncio.sleep(0)  # headers and body leave in two turns of the loop
        permit.check()
        self.traffic.check(HOST)
        self._wire.order_left(request)
        return await self._answer(
            fault,
            lambda: self._wire.exchange.place(request),
            request.client_order_id,
            order=True,
        )

    async def cancel_order(self, symbol: str, client_order_id: str) -> OrderReport:
        """Send a cancel."""
        if not self._connected:
            raise NotSent("not connected", "not_sent")
        fault = self._wire.fault()
        await self._wire.pause()
        if fault is _F.UNREACHABLE:
            raise NotSent("connection refused", "connection_refused")
        return await self._answer(
            fault,
            lambda: self._wire.exchange.cancel(symbol, client_order_id),
            client_order_id,
            order=False,
        )

    async def _answer(
        self,
        fault: WriteFault | None,
        execute: Callable[[], OrderReport],
        name: str,
        *,
        order: bool,
    ) -> OrderReport:
        """Let a request travel and return, or raise, what comes back of it."""
        self.traffic.check(HOST)
        self._wire.left()
        if fault is _F.BUSY:
            await self._wire.pause()
            raise self._told_to_wait()
        verdict = VERDICTS.get(fault) if fault else None
        if verdict is not None:
            await self._wire.pause()
            raise verdict()
        reply: asyncio.Future[OrderReport] = asyncio.get_running_loop().create_future()
        travel_s = self._wire.travel_s()
        if fault is _F.REQUEST_LATE:
            travel_s = self._wire.rng.uniform(RESET_S, LATEST_ARRIVAL_S)
        if fault is not _F.REQUEST_LOST:
            self._wire.send(name, travel_s, lambda: _execute(execute, reply), order=order)
        lost = fault in UNHEARD
        patience = TIMEOUT_S
        if fault is _F.REQUEST_LATE or (lost and self._wire.rng.random() < 0.5):
            patience = RESET_S  # a reset tells at once
        try:
            report = await asyncio.wait_for(_deaf(reply) if lost else reply, patience)
        except TimeoutError:
            raise OutcomeUnknown("no answer", "timeout") from None
        slow_s = self._wire.slowness_s()
        await asyncio.sleep(self._wire.travel_s() + min(slow_s, TIMEOUT_S))
        if slow_s > TIMEOUT_S:
            raise OutcomeUnknown("no answer", "timeout")
        if fault is _F.GARBLED:
            raise OutcomeUnknown("the reply cannot be read", "unreadable_reply")
        if fault is _F.BARE:
            return OrderReport(
                symbol=report.symbol,
                client_order_id=report.client_order_id,
                exchange_order_id=report.exchange_order_id,
                state=OrderState.ACCEPTED,
                filled=report.filled * 0,
                cost=None,
                at_ns=report.at_ns,
                acknowledged_only=True,
            )
        return report

    # Reads

    async def find_order(self, symbol: str, client_order_id: str) -> OrderReport | None:
        """Look an order up."""
        del symbol
        return await self._read(lambda s: self._wire.exchange.find(client_order_id, s))

    async def find_by_exchange_id(self, symbol: str, exchange_order_id: str) -> OrderReport | None:
        """Look an order up by the exchange's id."""
        del symbol
        return await self._read(lambda s: self._wire.exchange.by_id(exchange_order_id, s))

    async def closed_orders(self, symbol: str, since_ms: int | None) -> list[OrderReport]:
        """List closed orders."""
        found = await self._read(lambda s: self._wire.exchange.closed_orders(symbol, s))
        return [report for report in found if report.at_ns >= (since_ms or 0) * 1_000_000]

    async def open_orders(self, symbol: str) -> list[OrderReport]:
        """List open orders."""
        return await self._read(lambda s: self._wire.exchange.open_orders(symbol, s))

    async def my_trades(self, symbol: str, since_ms: int | None = None) -> list[Fill]:
        """List trades."""
        since_ns = (since_ms or 0) * 1_000_000
        fills = await self._read(lambda s: self._wire.exchange.my_trades(symbol, s))
        return [fill for fill in fills if fill.at_ns >= since_ns]

    async def balances(self) -> Mapping[str, Balance]:
        """Read the account."""
        return await self._read(lambda _: self._wire.exchange.balances())

    async def candles(self, symbol: str, timeframe: str, limit: int) -> list[Candle]:
        """Return the running candle."""
        del timeframe, limit
        return await self._read(lambda _: [self._wire.exchange.candle(symbol)])

    def _told_to_wait(self) -> NotSent:
        """Hear of a rate limit or a ban; from now on nothing may leave for a while."""
        status, wait_s = self._wire.ban()
        self.traffic.heard(HOST, status, {"Retry-After": str(wait_s)})
        return NotSent(f"{status}", "rate_limited")

    async def _read(self, look: Callable[[float], _T]) -> _T:
        """Ask over the connection."""
        if not self._connected:
            raise ReadFailed("not connected", "not_connected")
        return await self._ask(look)

    async def _ask(self, look: Callable[[float], _T]) -> _T:
        """Ask; the answer may be as old as the weather lets it be."""
        try:
            self.traffic.check(HOST)
        except Silenced as error:
            raise ReadFailed(str(error), error.code) from error
        self._wire.left()
        await asyncio.sleep(self._wire.travel_s() + self._wire.slowness_s())
        if self._wire.limited():
            self._told_to_wait()
            raise ReadFailed("429 Too Many Requests", "rate_limited")
        if self._wire.read_fails():
            raise ReadFailed("no usable answer")
        found = look(self._wire.as_of_s())
        await asyncio.sleep(self._wire.travel_s())
        return found

    # Streams

    async def watch_order_reports(self) -> AsyncIterator[OrderReport]:
        """Yield what the user stream says, and tell when it breaks and is back."""
        with self._wire.user_stream() as messages:
            while True:
                message = await messages.get()
                if isinstance(message, OrderReport):
                    yield message
                elif self._on_stream is not None:
                    self._on_stream("orders", None, message, "closed")

    async def watch_book(self, symbol: str) -> AsyncIterator[Book]:
        """Yield books."""
        async for event in self._market(symbol, Book):
            yield event

    async def watch_trades(self, symbol: str) -> AsyncIterator[PublicTrade]:
        """Yield public trades."""
        async for event in self._market(symbol, PublicTrade):
            yield event

    async def watch_candles(self, symbol: str, timeframe: str) -> AsyncIterator[Candle]:
        """Yield the running candle."""
        del timeframe
        async for event in self._market(symbol, Candle):
            yield event

    async def _market(self, symbol: str, kind: type[Any]) -> AsyncIterator[Any]:
        with self._wire.market_stream(symbol, kind) as events:
            while True:
                yield await events.get()


async def _deaf(_: asyncio.Future[OrderReport]) -> OrderReport:
    """Wait for a reply that does not come."""
    never: asyncio.Future[OrderReport] = asyncio.get_running_loop().create_future()
    return await never


def _execute(execute: Callable[[], OrderReport], reply: asyncio.Future[OrderReport]) -> None:
    """Execute a request at the exchange; whoever sent it may be gone."""
    try:
        report = execute()
    except Refusal as refusal:
        if not reply.done():
            reply.set_exception(_refused(refusal))
            reply.exception()  # nobody may be waiting
    else:
        if not reply.done():
            reply.set_result(report)


def _refused(refusal: Refusal) -> OrderRefused:
    code = "order_not_found" if refusal.code is RefusalCode.NOT_FOUND else str(refusal.code)
    return OrderRefused(refusal.message, code)
