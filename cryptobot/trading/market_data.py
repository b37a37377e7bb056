"""The latest books, trades and candles of the watched symbols, and who wants to know."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

import structlog

from cryptobot.domain.clock import NS_PER_MS, Clock
from cryptobot.domain.errors import ReadFailed
from cryptobot.domain.market import Book, Candle, PublicTrade
from cryptobot.trading.background import in_background
from cryptobot.trading.exchange import MarketSource

CANDLES_KEPT: Final = 1_500
BACKFILL_RETRY_S: Final = 2.0

MarketEvent = Book | PublicTrade | Candle
MarketListener = Callable[[MarketEvent], None]

_log = structlog.stdlib.get_logger("cryptobot.market")


class MarketData:
    """Follows the market and fans it out.

    Args:
        source: Where the data comes from.
        symbols: What to follow.
        timeframe: Candle length to follow.
        clock: Measures ages.
    """

    def __init__(
        self, source: MarketSource, symbols: Sequence[str], timeframe: str, clock: Clock
    ) -> None:
        self._source = source
        self._symbols = tuple(symbols)
        self._clock = clock
        self._listeners: list[MarketListener] = []
        self._books: dict[str, Book] = {}
        self._last: dict[str, Decimal] = {}
        self._seen_ns: dict[str, int] = {}
        self._candles: dict[str, OrderedDict[int, Candle]] = {
            symbol: OrderedDict() for symbol in symbols
        }
        self._no_book = dict.fromkeys(symbols, "none has come yet")
        self._tasks: list[asyncio.Task[None]] = []
        self.timeframe = timeframe

    def listen(self, listener: MarketListener) -> None:
        """Call ``listener`` for every book, trade and candle change."""
        self._listeners.append(listener)

    def book(self, symbol: str) -> Book | None:
        """Return the latest book."""
        return self._books.get(symbol)

    def no_book(self, symbol: str) -> str | None:
        """Return why there is no book to trade on, or ``None``.

        A symbol that is not followed has none, and nobody relies on one.
        """
        return self._no_book.get(symbol)

    def on_stream(self, channel: str, symbol: str | None, event: str, reason: str | None) -> None:
        """Throw the book away when its stream breaks: what it says since is not known."""
        if channel == "book" and event == "disconnected" and symbol in self._candles:
            self._books.pop(symbol, None)
            self._no_book[symbol] = f"its stream broke ({reason}) and is being rebuilt"

    def price(self, symbol: str) -> Decimal | None:
        """Return the middle of the book, else the last trade's price, else ``None``."""
        book = self._books.get(symbol)
        middle = book.mid if book is not None else None
        return middle if middle is not None else self._last.get(symbol)

    def last(self, symbol: str) -> Decimal | None:
        """Return the last trade's price."""
        return self._last.get(symbol)

    def age_ms(self, symbol: str) -> float | None:
        """Return how long nothing has been heard of a symbol; ``None`` before the first."""
        seen = self._seen_ns.get(symbol)
        return None if seen is None else (self._clock.monotonic_ns() - seen) / NS_PER_MS

    def candles(self, symbol: str, limit: int) -> list[Candle]:
        """Return the latest candles, oldest first."""
        return list(self._candles[symbol].values())[-limit:]

    def start(self) -> None:
        """Begin to follow."""
        for symbol in self._symbols:
            for name, run in (
                ("book", self._follow(self._source.watch_book(symbol))),
                ("trades", self._follow(self._source.watch_trades(symbol))),
                ("candles", self._follow_candles(symbol)),
            ):
                self._tasks.append(in_background(run, f"{name}-{symbol}"))

    async def close(self) -> None:
        """Stop following."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    def seed(self, candles: Iterable[Candle]) -> None:
        """Take history; live candles win over it."""
        for candle in candles:
            self._candles[candle.symbol].setdefault(candle.open_ms, candle)
        for symbol, kept in self._candles.items():
            self._candles[symbol] = OrderedDict(sorted(kept.items())[-CANDLES_KEPT:])

    async def _follow(self, updates: AsyncIterator[Any]) -> None:
        async for event in updates:
            self._take(event)

    async def _follow_candles(self, symbol: str) -> None:
        backfill = in_background(self._backfill(symbol), f"backfill-{symbol}")
        try:
            await self._follow(self._source.watch_candles(symbol, self.timeframe))
        finally:
            backfill.cancel()
            await asyncio.gather(backfill, return_exceptions=True)

    async def _backfill(self, symbol: str) -> None:
        while True:
            try:
                self.seed(await self._source.candles(symbol, self.timeframe, 500))
            except ReadFailed as error:
                _log.warning("candles_backfill_failed", symbol=symbol, reason=str(error))
                await asyncio.sleep(BACKFILL_RETRY_S)
            else:
                return

    def _take(self, event: MarketEvent) -> None:
        self._seen_ns[event.symbol] = self._clock.monotonic_ns()
        if isinstance(event, Book):
            self._books[event.symbol] = event
            self._no_book.pop(event.symbol, None)
        elif isinstance(event, PublicTrade):
            self._last[event.symbol] = event.price
        else:
            kept = self._candles[event.symbol]
            kept[event.open_ms] = event
            if len(kept) > CANDLES_KEPT:
                kept.popitem(last=False)
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:  # noqa: BLE001 - what one makes of it ends neither stream nor others
                _log.exception("market_event_unusable", symbol=event.symbol)
