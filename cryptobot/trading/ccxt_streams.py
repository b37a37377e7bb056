"""ccxt.pro's streams as async iterators that outlive disconnections and silence."""

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
)
from contextlib import aclosing, contextmanager
from typing import Any, Final, TypeVar

import ccxt
import structlog

from cryptobot.domain.clock import Clock
from cryptobot.domain.errors import Silenced
from cryptobot.domain.market import Book, Candle, PublicTrade
from cryptobot.domain.order import Fill, OrderReport, OrderState
from cryptobot.trading import ccxt_translation as translate
from cryptobot.trading.background import Alarm, in_background
from cryptobot.trading.capabilities import Capabilities
from cryptobot.trading.traffic import Traffic

SILENCE_S: Final = {"book": 15.0, "trades": 120.0, "candles": 60.0, "orders": None, "fills": None}
"""Longest plausible silence of a channel before its connection is rebuilt; ``None``: any."""

RETRY_S: Final = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Pauses after errors of a stream in a row, so that an exchange that refuses, or is gone, is not
hammered; the last repeats. They end when the exchange answers again."""

NO_ERROR: Final = (TimeoutError, asyncio.CancelledError, Silenced)
"""What does not make the pauses longer: silence, which has been waited for already, what another
stream has cancelled, and a ban, which says itself how long it lasts."""

RETRY_REFUSED_S: Final[Mapping[str, float]] = {"authentication": 30.0}
"""Longer pauses, by the name of the error: a second later the answer will be no other."""

OWN: Final = frozenset({"orders", "fills"})
"""Channels of the account. They share a connection, and one subscription on it."""

TAKEN_UP_S: Final = 3.0
"""A stream of the account that has not failed for so long since it was begun is taken up: ccxt
tells of a subscription only by its first message, which may be long in coming."""

UNREADABLE: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What taking a reply apart raises when it is not what it should be."""

StreamObserver = Callable[[str, str | None, str, str | None], None]
"""Told of stream events: channel, symbol, event (``message``, ``connected``, ``disconnected``; of
the account's also ``taken_up``), reason."""


_Item = TypeVar("_Item")

_log = structlog.stdlib.get_logger("cryptobot.market")


class CcxtStreams:
    """The streaming half of the exchange client."""

    def __init__(
        self,
        clock: Clock,
        *,
        book_depth: int,
        on_stream: StreamObserver | None,
        capabilities: Capabilities,
        traffic: Traffic,
    ) -> None:
        self.capabilities = capabilities
        """What this exchange can do."""
        self.traffic = traffic
        """Its budget and its silences."""
        self._clock = clock
        self._book_depth = book_depth
        self._on_stream = on_stream
        self._reads: Any = None
        self._pumps: set[asyncio.Task[None]] = set()
        self._alarm = Alarm()

    def hasten(self) -> None:
        """Begin every stream that waits for its next try now: the exchange answers again."""
        self._alarm.ring()

    async def watch_book(self, symbol: str) -> AsyncIterator[Book]:
        """Yield the book at every change; see ``MarketSource.watch_book``."""
        call = self._reads.watch_order_book

        def read(raw: Any) -> list[Book]:
            return [translate.book(raw, self._book_depth, self._clock.now_ns())]

        async with aclosing(self._stream("book", symbol, lambda: call(symbol), read)) as updates:
            async for books in updates:
                for book in books:
                    yield book

    async def watch_trades(self, symbol: str) -> AsyncIterator[PublicTrade]:
        """Yield public trades; see ``MarketSource.watch_trades``."""
        call = self._reads.watch_trades

        def read(rows: Any) -> list[PublicTrade]:
            return [translate.public_trade(row) for row in rows]

        async with aclosing(self._stream("trades", symbol, lambda: call(symbol), read)) as updates:
            async for trades in updates:
                for trade in trades:
                    yield trade

    async def watch_candles(self, symbol: str, timeframe: str) -> AsyncIterator[Candle]:
        """Yield the running candle at every change; see ``MarketSource.watch_candles``."""
        call = self._reads.watch_ohlcv

        def read(rows: Any) -> list[Candle]:
            found = (translate.candle(symbol, timeframe, row) for row in rows)
            return [candle for candle in found if candle is not None]

        async with aclosing(
            self._stream("candles", symbol, lambda: call(symbol, timeframe), read)
        ) as updates:
            async for candles in updates:
                for candle in candles:
                    yield candle

    async def _watch_own_orders(self) -> AsyncIterator[OrderReport]:
        """Merge order updates and own trades: ccxt delivers them apart."""
        queue: asyncio.Queue[OrderReport] = asyncio.Queue()
        pumps = [
            in_background(self._pump_orders(queue), "own-orders"),
            in_background(self._pump_fills(queue), "own-fills"),
        ]
        self._pumps.update(pumps)
        try:
            while True:
                yield await queue.get()
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._pumps.difference_update(pumps)

    async def _pump_orders(self, queue: asyncio.Queue[OrderReport]) -> None:
        def read(rows: Any) -> list[OrderReport]:
            now = self._clock.now_ns()
            return [
                translate.order_report({**row, "trades": None}, None, now)
                for row in rows
                if row.get("id")
            ]

        call = self._reads.watch_orders
        async with aclosing(self._stream("orders", None, call, read)) as updates:
            async for reports in updates:
                for report in reports:
                    queue.put_nowait(report)

    async def _pump_fills(self, queue: asyncio.Queue[OrderReport]) -> None:
        def read(rows: Any) -> list[OrderReport]:
            return [_lower_bound(translate.fill(row)) for row in rows]

        call = self._reads.watch_my_trades
        async with aclosing(self._stream("fills", None, call, read)) as updates:
            async for reports in updates:
                for report in reports:
                    queue.put_nowait(report)

    async def _stream(
        self,
        channel: str,
        symbol: str | None,
        call: Callable[[], Awaitable[Any]],
        read: Callable[[Any], list[_Item]],
    ) -> AsyncGenerator[list[_Item], None]:
        """Yield what ``call`` brings, taken apart by ``read``, for ever.

        Errors of whatever kind and silence rebuild the connection; an update that makes no sense is
        a gap.
        """
        silence = SILENCE_S[channel]
        connected = False
        errors = 0
        while True:
            bell = self._alarm.bell  # it may ring while the stream is being opened
            try:
                with self._told_when_taken_up(channel, connected=connected):
                    update = read(await asyncio.wait_for(call(), silence))
            except (asyncio.CancelledError, Exception) as error:
                if isinstance(error, ccxt.ExchangeClosedByUser):
                    return
                if isinstance(error, asyncio.CancelledError) and _is_cancelled():
                    raise
                cause = _beneath(error)
                reason = _reason(cause)
                detail = translate.reason_of(cause, self.capabilities.codes)
                if silence is not None and isinstance(error, TimeoutError):
                    detail = f"nothing came for {silence:g} s"
                _log.warning(
                    "stream_disconnected",
                    channel=channel,
                    symbol=symbol,
                    reason=reason,
                    detail=detail,
                )
                self._note(channel, symbol, "disconnected", reason)
                connected = False
                refused = channel in OWN and isinstance(cause, ccxt.BaseError)
                silent = isinstance(error, TimeoutError)
                if refused or (silent and self.traffic.silence() is None):
                    self._drop_connections(channel)  # in a ban there would be no other
                errors += not isinstance(cause, NO_ERROR)
                if await self._alarm.pause(self._pause_s(cause, errors), bell):
                    errors = 0
                continue
            errors = 0
            if not connected:
                connected = True
                self._note(channel, symbol, "connected", None)
            self._note(channel, symbol, "message", None)
            yield update

    def _pause_s(self, cause: BaseException, errors: int) -> float:
        """Return how long to wait before a broken stream is begun anew."""
        if isinstance(cause, Silenced):
            return max(RETRY_S[0], cause.left_s)
        code = translate.read_code(cause, self.capabilities.codes)
        usual = RETRY_S[min(max(errors, 1), len(RETRY_S)) - 1]
        return RETRY_REFUSED_S.get(code, usual)

    def _drop_connections(self, channel: str) -> None:
        """Close the sockets of a channel's kind: a dead receive loop is noticed by nobody else.

        And where the account's subscription was refused, ccxt would wait for it ever after.
        ccxt then cancels what the other streams wait for; they begin anew too. A dead socket takes
        seconds to close, which nobody waits for.
        """
        urls = [url for url in self._reads.clients if ("ws-api" in url) == (channel in OWN)]
        clients = [self._reads.clients.pop(url) for url in urls]
        for client in clients:
            # Else ccxt forgets the next connection to the same URL when this one has closed.
            client.error = client.error or ccxt.NetworkError("the connection was given up")
        closing = _all(client.close() for client in clients)
        task = asyncio.create_task(closing, name=f"drop-{channel}")
        self._pumps.add(task)
        task.add_done_callback(self._pumps.discard)

    @contextmanager
    def _told_when_taken_up(self, channel: str, *, connected: bool) -> Iterator[None]:
        """Tell when a stream of the account, just begun, has not failed for a while."""
        if connected or channel not in OWN:
            yield
            return
        loop = asyncio.get_running_loop()
        told = loop.call_later(TAKEN_UP_S, self._note, channel, None, "taken_up", None)
        try:
            yield
        finally:
            told.cancel()

    def _note(self, channel: str, symbol: str | None, event: str, reason: str | None) -> None:
        if self._on_stream is not None:
            self._on_stream(channel, symbol, event, reason)

    async def _close_streams(self) -> None:
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)


def _is_cancelled() -> bool:
    """Whether it is the running task that was cancelled, and not what it waited for."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def _beneath(error: BaseException) -> BaseException:
    """Return what an error stands for.

    That is our own that ccxt made it of, or ccxt's in whose handling ccxt failed.
    """
    made_of = next(iter(error.args), None)
    if isinstance(error, ccxt.BaseError) and isinstance(made_of, Silenced):
        return made_of
    hidden = error.__context__
    masked = isinstance(error, LookupError) and isinstance(hidden, ccxt.BaseError)
    return hidden if masked and hidden is not None else error


async def _all(closing: Iterable[Awaitable[None]]) -> None:
    await asyncio.gather(*closing, return_exceptions=True)


def _lower_bound(fill: Fill) -> OrderReport:
    """Return what a trade says of its order; the order's own update brings the rest."""
    return OrderReport(
        symbol=fill.symbol,
        client_order_id=None,
        exchange_order_id=fill.exchange_order_id,
        state=OrderState.PARTIALLY_FILLED,
        filled=fill.amount,
        cost=None,
        at_ns=fill.at_ns,
        fills=(fill,),
    )


def _reason(error: BaseException) -> str:
    """Return why a stream ended: ``silent``, ``closed``, ``error`` or ``malformed``."""
    if isinstance(error, TimeoutError | ccxt.RequestTimeout):
        return "silent"
    if isinstance(error, asyncio.CancelledError):
        return "closed"
    if isinstance(error, ccxt.NetworkError) and "closing code" in str(error):
        return "closed"
    if isinstance(error, (*UNREADABLE, ccxt.BadResponse)):
        return "malformed"
    return "error"
