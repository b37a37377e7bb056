"""One symbol's public record: trades, bars, 24-hour statistics and the book's update number."""

from decimal import Decimal

from cryptobot.simulator.bar_series import BarSeries
from cryptobot.simulator.listing import Listing
from cryptobot.simulator.market.feed import MarketFeed
from cryptobot.simulator.rolling_day import RollingDay
from cryptobot.simulator.tape import Tape, TapeTrade

_FIRST_UPDATE_ID = 1_000_000


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
        self._minutes = BarSeries("1m", feed.minute_history(self.symbol))
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
            series = self._others[interval] = BarSeries(interval, self._minutes.bars())
        return series

    def trade(
        self, at_ms: int, price: Decimal, amount: Decimal, *, buyer_is_maker: bool
    ) -> TapeTrade:
        """Print a trade."""
        trade = self.tape.add(at_ms, price, amount, buyer_is_maker=buyer_is_maker)
        for series in (self._minutes, self._seconds, *self._others.values()):
            series.trade(at_ms, price, amount, trade.trade_id, taker_buys=not buyer_is_maker)
        return trade

    def last_price(self) -> Decimal | None:
        """Return the price of the latest trade or bar."""
        last = self.tape.last
        if last is not None:
            return last.price
        bar = self._minutes.last
        return None if bar is None else bar.close
