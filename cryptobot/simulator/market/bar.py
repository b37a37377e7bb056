"""Bars (Binance's klines): open, high, low, close, volume and who took."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from cryptobot.domain.money import ZERO


@dataclass(slots=True)
class Bar:
    """One bar; it grows while it runs.

    Attributes:
        open_ms: When it opens, UTC milliseconds.
        volume: In base currency.
        quote_volume: In quote currency.
        trades: Number of trades.
        taker_volume: Base currency bought by takers.
        taker_quote: Quote currency paid by them.
        first_id: Id of its first trade, -1 when it has none.
        last_id: Id of its last trade, -1 when it has none.
    """

    open_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = ZERO
    quote_volume: Decimal = ZERO
    trades: int = 0
    taker_volume: Decimal = ZERO
    taker_quote: Decimal = ZERO
    first_id: int = -1
    last_id: int = -1

    def trade(self, price: Decimal, amount: Decimal, trade_id: int, *, taker_buys: bool) -> None:
        """Take a trade in."""
        if not self.trades and self.volume == 0:
            self.open = self.high = self.low = price
        elif price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.close = price
        cost = price * amount
        self.volume += amount
        self.quote_volume += cost
        self.trades += 1
        if taker_buys:
            self.taker_volume += amount
            self.taker_quote += cost
        if self.first_id < 0:
            self.first_id = trade_id
        self.last_id = trade_id

    def append(self, later: "Bar") -> None:
        """Take a later, shorter bar in."""
        self.high = max(self.high, later.high)
        self.low = min(self.low, later.low)
        self.close = later.close
        self.volume += later.volume
        self.quote_volume += later.quote_volume
        self.trades += later.trades
        self.taker_volume += later.taker_volume
        self.taker_quote += later.taker_quote
        if self.first_id < 0:
            self.first_id = later.first_id
        self.last_id = max(self.last_id, later.last_id)

    def starting_at(self, open_ms: int) -> "Bar":
        """Return a copy that opens at ``open_ms``: the first part of a longer bar."""
        return Bar(
            open_ms,
            self.open,
            self.high,
            self.low,
            self.close,
            self.volume,
            self.quote_volume,
            self.trades,
            self.taker_volume,
            self.taker_quote,
            self.first_id,
            self.last_id,
        )


def flat_bar(open_ms: int, price: Decimal) -> Bar:
    """Return a bar without trades at ``price``."""
    return Bar(open_ms, price, price, price, price)


def fold(bars: Iterable[Bar], interval_ms: int) -> list[Bar]:
    """Return ``bars`` joined to bars of ``interval_ms``, a multiple of their own interval."""
    folded: list[Bar] = []
    for bar in bars:
        open_ms = bar.open_ms - bar.open_ms % interval_ms
        if folded and folded[-1].open_ms == open_ms:
            folded[-1].append(bar)
        else:
            folded.append(bar.starting_at(open_ms))
    return folded
