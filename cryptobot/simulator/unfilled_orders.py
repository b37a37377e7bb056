"""Gives the order limits back what was filled."""

from cryptobot.matching.events import ExecutionEvent, ExecutionKind
from cryptobot.simulator.limits import RateLimits
from cryptobot.simulator.symbol_market import SymbolMarket
from cryptobot.simulator.tape import TapeTrade
from cryptobot.simulator.venue import ChangedLevels


class UnfilledOrders:
    """A ``VenueListener``: an order stops to count when it trades for the first time.

    Source: Binance's "Spot Unfilled Order Count Rules": orders which are partially or fully
    filled do not count.

    Args:
        limits: Where orders are counted.
    """

    def __init__(self, limits: RateLimits) -> None:
        self._limits = limits

    def traded(self, market: SymbolMarket, trade: TapeTrade) -> None:
        """Do nothing: public trades are nobody's order."""

    def book_changed(self, market: SymbolMarket, levels: ChangedLevels) -> None:
        """Do nothing: the book is no order."""

    def time_passed(self, now_ns: int) -> None:
        """Do nothing: the windows roll by themselves."""

    def executed(self, market: SymbolMarket, event: ExecutionEvent) -> None:
        """Give the count back at the first fill."""
        del market
        if event.kind is ExecutionKind.TRADE and len(event.order.fills) == 1:
            self._limits.order_filled()
