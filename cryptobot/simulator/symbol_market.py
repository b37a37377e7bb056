"""One symbol's public record: trades, bars, 24-hour statistics and the book's update number."""

from collections.abc import Iterator
from decimal import Decimal

from cryptobot.simulator.bar_series import BarSeries
from cryptobot.simulator.listing import Listing
from cryptobot.simulator.market.bar import Bar
from cryptobot.simulator.market.feed import MarketFeed
from cryptobot.simulator.rolling_day import RollingDay
from cryptobot.simulator.tape import Tape, TapeTrade

_FIRST_UPDATE_ID = 1_000_000
_MINUTES_MS = 2 * 24 * 60 * 60 * 1000
"""A recording of long bars is spread over so many minutes at most, for the 24-hour statistics."""


class SymbolMarket:
    """What the public knows of a symbol, besides the book itself.

    Args:
        listing: The symbol.
        feed: Gives the bars before the start; already started.
    """

    def __init__(self, listing: Listing, feed: MarketFeed) -> None:
        self.listing = listing
        self.symbol = listing.symbol
        self.wire = listing.wire
        self.tape = Tape()
        self.update_id = _FIRST_UPDATE_ID
        self._history = feed.minute_history(self.symbol)
        since_ms = self._history[-1].open_ms - _MINUTES_MS if self._history else 0
        self._minutes = BarSeries("1m", (bar for bar in self._history if bar.open_ms >= since_ms))
        self._seconds = BarSeries("1s", feed.second_history(self.symbol))
        self._others: dict[str, BarSeries] = {}
        self.day = RollingDay(self._minutes)

    def bars(self, interval: str) -> BarSeries:
        """Return the bars of an interval; it is kept up from the first call on."""
        if interval == "1m":
            return self._minutes
        if interval == "1s":
            return self._seconds
        series = self._others.get(interval)
        if series is None:
            series = self._others[interval] = BarSeries(interval, self._all_bars())
        return series

    def _all_bars(self) -> Iterator[Bar]:
        """Yield the history, then the minutes after it."""
        history = self._history
        if not history:
            yield from self._minutes.bars()
            return
        yield from history[:-1]
        last_ms = history[-1].open_ms
        yield from (bar for bar in self._minutes.bars() if bar.open_ms >= last_ms)

    def trade(self, trade: TapeTrade) -> None:
        """Print a trade."""
        self.tape.add(trade)
        for series in (self._minutes, self._seconds, *self._others.values()):
            series.trade(
                trade.at_ms,
                trade.price,
                trade.amount,
                trade.trade_id,
                taker_buys=not trade.buyer_is_maker,
            )

    def last_price(self) -> Decimal | None:
        """Return the price of the latest trade or bar."""
        last = self.tape.last
        if last is not None:
            return last.price
        bar = self._minutes.last
        return None if bar is None else bar.close
