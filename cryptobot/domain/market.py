"""Public market data: books, trades and candles."""

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from cryptobot.domain.order import Side


class Level(NamedTuple):
    """One price level of a book: price in quote currency, amount in base currency."""

    price: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Book:
    """A symbol's order book, best levels first.

    Attributes:
        symbol: Unified symbol such as ``BTC/USDT``.
        bids: Levels by falling price.
        asks: Levels by rising price.
        at_ns: When it was received, UTC nanoseconds.
        sequence: The exchange's update number, or ``None`` where it has none.
    """

    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    at_ns: int
    sequence: int | None = None

    @property
    def mid(self) -> Decimal | None:
        """The middle of best bid and best ask; ``None`` while a side is empty."""
        if not self.bids or not self.asks:
            return None
        return (self.bids[0].price + self.asks[0].price) / 2


@dataclass(frozen=True, slots=True)
class PublicTrade:
    """A trade between others: ``side`` is the taker's."""

    symbol: str
    trade_id: str
    side: Side
    price: Decimal
    amount: Decimal
    at_ns: int


@dataclass(frozen=True, slots=True)
class Candle:
    """Open, high, low, close in quote currency and volume in base currency.

    Attributes:
        timeframe: Its length in ccxt's notation: ``1m``, ``1h``, ...
        open_ms: When it opened, UTC milliseconds.
    """

    symbol: str
    timeframe: str
    open_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
