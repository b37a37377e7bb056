"""Replay of OHLCV candles: trades inside each candle's range, and a book around them."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from cryptobot.domain.clock import NS_PER_MS
from cryptobot.domain.market import Level
from cryptobot.domain.order import Side
from cryptobot.simulator.listing import Listing
from cryptobot.simulator.market.bar import Bar
from cryptobot.simulator.market.candle_file import read_candles
from cryptobot.simulator.market.candle_path import split_volume, trade_prices
from cryptobot.simulator.market.feed import BookChange, MarketEvent, MarketTrade
from cryptobot.simulator.market.generated_book import Changes, GeneratedBook

_HISTORY = 1_000
_MS_A_TRADE = 400
_MIN_TRADES, _MAX_TRADES = 6, 300
_CORNERS = 4
_MINUTE_MS = 60_000
_SPREAD = 0.00005
_LEVEL_SHARE = 0.02
_MIN_LEVEL_LOTS = 20


class CandleReplay:
    """The candles of a file, the later ones played, the earlier ones as history.

    The trades of a candle add up to it exactly: open, high, low, close and volume. Times are
    moved by whole intervals, so that the candle which is running now is the first one played.

    Args:
        path: An OHLCV file.
        seed: Of the paths inside the candles and of the book.

    Raises:
        UserError: The file is not what it should be.
    """

    def __init__(self, path: Path, seed: int) -> None:
        self._path = path
        self._file = read_candles(path)
        self._rng = random.Random(seed)  # noqa: S311 - a market, not a secret
        self._first = min(_HISTORY, len(self._file.bars) // 2)
        self._shift_ms = 0
        self._events: Iterator[MarketEvent] = iter(())
        self._next: MarketEvent | None = None
        instrument = self._file.listing.instrument
        self._tick, self._lot = instrument.price_step, instrument.amount_step

    @property
    def description(self) -> str:
        """One line for people."""
        return f"replay of {self._path.name} ({self._file.listing.symbol})"

    @property
    def listings(self) -> Sequence[Listing]:
        """The one symbol."""
        return (self._file.listing,)

    def start(self, now_ns: int) -> None:
        """Move the first played candle to the interval that is running now."""
        interval = self._file.interval_ms
        now_ms = now_ns // NS_PER_MS
        self._shift_ms = now_ms - now_ms % interval - self._file.bars[self._first].open_ms
        self._shift_ms -= self._shift_ms % interval
        self._events = self._play()
        self._next = next(self._events, None)

    def minute_history(self, symbol: str) -> Sequence[Bar]:
        """Return the candles before the first played one, at their own interval."""
        del symbol
        bars = self._file.bars[: self._first]
        return [bar.starting_at(bar.open_ms + self._shift_ms) for bar in bars]

    def second_history(self, symbol: str) -> Sequence[Bar]:
        """Return the same when the candles are shorter than a minute."""
        return self.minute_history(symbol) if self._file.interval_ms < _MINUTE_MS else ()

    def next_ns(self) -> int | None:
        """Return when the next event is due, ``None`` after the last one."""
        return None if self._next is None else self._next.at_ns

    def due(self, until_ns: int) -> Iterator[MarketEvent]:
        """Yield, and forget, every event up to ``until_ns``."""
        while self._next is not None and self._next.at_ns <= until_ns:
            event = self._next
            self._next = next(self._events, None)
            yield event

    def _play(self) -> Iterator[MarketEvent]:
        bars = self._file.bars[self._first :]
        book = self._book(bars[0])
        open_ns = (bars[0].open_ms + self._shift_ms) * NS_PER_MS
        yield self._change(open_ns, Changes(dict(book.bids), dict(book.asks)), whole=True)
        for bar in bars:
            yield from self._bar(bar, book)

    def _bar(self, bar: Bar, book: GeneratedBook) -> Iterator[MarketEvent]:
        interval = self._file.interval_ms
        start_ns = (bar.open_ms + self._shift_ms) * NS_PER_MS
        if not bar.volume:
            return
        count = max(_MIN_TRADES, min(_MAX_TRADES, interval // _MS_A_TRADE))
        count = min(count, max(_CORNERS, int(bar.volume / self._lot)))
        prices = trade_prices(bar, count, self._tick, self._rng)
        amounts = split_volume(bar.volume, len(prices), self._lot, self._rng)
        step_ns = interval * NS_PER_MS // len(prices)
        before = prices[0]
        for number, (price, amount) in enumerate(zip(prices, amounts, strict=True)):
            at_ns = start_ns + number * step_ns
            ticks = float(price / self._tick)
            yield self._change(at_ns, book.step(ticks + self._rng.uniform(-0.5, 0.5)))
            rising = price > before or (price == before and self._rng.random() < 0.5)  # noqa: PLR2004 - either side
            side = Side.BUY if rising else Side.SELL
            yield MarketTrade(at_ns, self._file.listing.symbol, price, amount, side)
            before = price

    def _book(self, bar: Bar) -> GeneratedBook:
        ticks = float(bar.open / self._tick)
        lots = int(float(bar.volume / self._lot) * _LEVEL_SHARE)
        return GeneratedBook(
            self._rng, ticks, max(1, round(ticks * _SPREAD)), max(_MIN_LEVEL_LOTS, lots)
        )

    def _change(self, at_ns: int, changes: Changes, *, whole: bool = False) -> BookChange:
        def levels(side: dict[int, int]) -> list[Level]:
            return [Level(ticks * self._tick, lots * self._lot) for ticks, lots in side.items()]

        return BookChange(
            at_ns, self._file.listing.symbol, levels(changes.bids), levels(changes.asks), whole
        )
