"""The market's own liquidity of one side: what others offer, less what our takers consumed."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from cryptobot.domain.market import Level
from cryptobot.domain.money import ZERO
from cryptobot.domain.order import Side
from cryptobot.matching.ladder import PriceLadder, at_least_as_good

_BEYOND_KEPT = 500
"""So many consumed levels are remembered beyond a window: most of them never come back."""


class MarketSide:
    """Bids or asks of others.

    A feed does not know of our trades: it goes on showing what we took. So what we consumed at
    a price is remembered until the feed takes the level away, and is never more than the level.

    Args:
        side: ``BUY`` for bids, ``SELL`` for asks.
    """

    __slots__ = ("_amounts", "_consumed", "_edge", "_ladder", "side")

    def __init__(self, side: Side) -> None:
        self.side = side
        self._amounts: dict[Decimal, Decimal] = {}
        self._consumed: dict[Decimal, Decimal] = {}
        self._ladder = PriceLadder(side)
        self._edge: Decimal | None = None

    def __iter__(self) -> Iterator[Level]:
        """Yield what is left, best first."""
        for price in self._ladder:
            left = self.left(price)
            if left > 0:
                yield Level(price, left)

    def best(self) -> Level | None:
        """Return the best level that has something left."""
        return next(iter(self), None)

    def left(self, price: Decimal) -> Decimal:
        """Return what is left at a price, 0 where there is no level."""
        return self._amounts.get(price, ZERO) - self._consumed.get(price, ZERO)

    def covers(self, price: Decimal) -> bool:
        """Whether the amount at ``price`` is known: inside the window, or the book is whole."""
        return self._edge is None or at_least_as_good(self.side, price, self._edge)

    def consume(self, price: Decimal, amount: Decimal) -> None:
        """Remember that we took ``amount``, at most what is left."""
        if not 0 < amount <= self.left(price):
            raise ValueError(f"cannot take {amount} of {self.left(price)} at {price}")
        self._consumed[price] = self._consumed.get(price, ZERO) + amount

    def update(self, price: Decimal, amount: Decimal) -> None:
        """Set a level's absolute amount; 0 removes it."""
        if amount <= 0:
            if self._amounts.pop(price, None) is not None:
                self._ladder.remove(price)
            self._consumed.pop(price, None)
            return
        if price not in self._amounts:
            self._ladder.add(price)
        self._amounts[price] = amount
        if price in self._consumed:
            self._consumed[price] = min(self._consumed[price], amount)

    def replace(self, levels: Iterable[tuple[Decimal, Decimal]]) -> None:
        """Take the whole side; what is missing is gone."""
        self._edge = None
        self._take(levels)

    def replace_window(self, levels: Iterable[tuple[Decimal, Decimal]]) -> None:
        """Take the best levels; beyond the worst of them nothing is known.

        What we consumed beyond the window stays remembered, nearest first up to a bound: a level
        that drifts out and back is the same level.
        """
        earlier = self._consumed
        self._take(levels)
        self._edge = self._ladder.worst()
        beyond = [price for price in earlier if not self.covers(price)]
        if len(beyond) > _BEYOND_KEPT:
            beyond = sorted(beyond, reverse=self.side is Side.BUY)[:_BEYOND_KEPT]
        self._consumed |= {price: earlier[price] for price in beyond}

    def _take(self, levels: Iterable[tuple[Decimal, Decimal]]) -> None:
        self._amounts = {price: amount for price, amount in levels if amount > 0}
        self._ladder = PriceLadder(self.side, self._amounts)
        self._consumed = {
            price: min(amount, self._amounts[price])
            for price, amount in self._consumed.items()
            if price in self._amounts
        }
