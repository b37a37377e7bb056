"""Our own orders in the book, by price and then by time."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from cryptobot.domain.money import ZERO
from cryptobot.domain.order import Side
from cryptobot.matching.ladder import PriceLadder

UNKNOWN_QUEUE = Decimal("Infinity")
"""Ahead of an order placed beyond what the feed shows; cut down once the level is seen."""


@dataclass(slots=True)
class Resting:
    """An order's place in the queue.

    Attributes:
        remaining: What may still fill, in base currency.
        ahead: The market's amount at this price that fills before us.
    """

    order_id: int
    price: Decimal
    remaining: Decimal
    ahead: Decimal


class RestingSide:
    """Our bids or our asks.

    Args:
        side: ``BUY`` for bids, ``SELL`` for asks.
    """

    __slots__ = ("_ladder", "_queues", "side")

    def __init__(self, side: Side) -> None:
        self.side = side
        self._queues: dict[Decimal, list[Resting]] = {}
        self._ladder = PriceLadder(side)

    def __bool__(self) -> bool:
        return bool(self._queues)

    def prices(self) -> Iterator[Decimal]:
        """Yield the prices at which we rest, best first."""
        return iter(self._ladder)

    def best(self) -> Resting | None:
        """Return the order that fills first."""
        price = self._ladder.best()
        return None if price is None else self._queues[price][0]

    def at(self, price: Decimal) -> tuple[Resting, ...]:
        """Return our orders at a price, oldest first."""
        return tuple(self._queues.get(price, ()))

    def amount(self, price: Decimal) -> Decimal:
        """Return all we have at a price."""
        return sum((resting.remaining for resting in self._queues.get(price, ())), ZERO)

    def add(self, resting: Resting) -> None:
        """Join the end of the queue at its price."""
        queue = self._queues.get(resting.price)
        if queue is None:
            self._queues[resting.price] = [resting]
            self._ladder.add(resting.price)
        else:
            queue.append(resting)

    def remove(self, order_id: int, price: Decimal) -> None:
        """Leave the queue."""
        queue = self._queues[price]
        queue[:] = [resting for resting in queue if resting.order_id != order_id]
        if not queue:
            del self._queues[price]
            self._ladder.remove(price)

    def advance(self, price: Decimal, eaten: Decimal) -> None:
        """Move our orders up: ``eaten`` of the market's amount ahead has traded."""
        for resting in self._queues.get(price, ()):
            resting.ahead = max(ZERO, resting.ahead - eaten)

    def cap_queue(self, price: Decimal, amount: Decimal) -> None:
        """Move our orders up to behind ``amount``: no more than that is there.

        A level that shrinks without a trade is taken to have shrunk behind us first: the
        cautious reading, and it never counts a trade and its depth update twice.
        """
        for resting in self._queues.get(price, ()):
            resting.ahead = min(resting.ahead, amount)
