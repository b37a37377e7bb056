"""Sorted prices of one side of a book."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from decimal import Decimal

from cryptobot.domain.order import Side


class PriceLadder:
    """Distinct prices, best first.

    The list rises for both sides: one cheap binary search and no negated keys.

    Args:
        side: ``BUY`` for bids (the highest is best), ``SELL`` for asks (the lowest is).
    """

    __slots__ = ("_prices", "side")

    def __init__(self, side: Side, prices: Iterable[Decimal] = ()) -> None:
        self.side = side
        self._prices = sorted(prices)

    def __iter__(self) -> Iterator[Decimal]:
        return reversed(self._prices) if self.side is Side.BUY else iter(self._prices)

    def __len__(self) -> int:
        return len(self._prices)

    def best(self) -> Decimal | None:
        """Return the best price, ``None`` when there is none."""
        if not self._prices:
            return None
        return self._prices[-1 if self.side is Side.BUY else 0]

    def worst(self) -> Decimal | None:
        """Return the worst price, ``None`` when there is none."""
        if not self._prices:
            return None
        return self._prices[0 if self.side is Side.BUY else -1]

    def add(self, price: Decimal) -> None:
        """Add a price that is not there yet."""
        insort(self._prices, price)

    def remove(self, price: Decimal) -> None:
        """Remove a price that is there."""
        del self._prices[bisect_left(self._prices, price)]


def at_least_as_good(side: Side, price: Decimal, other: Decimal) -> bool:
    """Whether ``price`` has priority over ``other``, or equal rank, on ``side`` of the book."""
    return price >= other if side is Side.BUY else price <= other


def would_trade(side: Side, limit: Decimal | None, opposite: Decimal) -> bool:
    """Whether an order on ``side`` with ``limit`` (``None``: any) takes a price opposite it."""
    return limit is None or at_least_as_good(side, limit, opposite)
