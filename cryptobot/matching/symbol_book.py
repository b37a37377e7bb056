"""One symbol's two books together: the market's and ours."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from cryptobot.domain.market import Level
from cryptobot.domain.order import Side
from cryptobot.matching.ladder import at_least_as_good, would_trade
from cryptobot.matching.market_book import MarketSide
from cryptobot.matching.resting import UNKNOWN_QUEUE, RestingSide
from cryptobot.matching.trigger import WaitingOrders

Levels = Iterable[tuple[Decimal, Decimal]]


@dataclass(slots=True)
class SymbolBook:
    """The market's liquidity and our resting orders, by side.

    Attributes:
        last_price: Of the latest trade, the market's or ours.
        waiting: Our orders that are not in the book yet.
        woken: Those of them that a trade has triggered since, next first.
    """

    symbol: str
    market: dict[Side, MarketSide] = field(
        default_factory=lambda: {side: MarketSide(side) for side in Side}
    )
    own: dict[Side, RestingSide] = field(
        default_factory=lambda: {side: RestingSide(side) for side in Side}
    )
    last_price: Decimal | None = None
    waiting: WaitingOrders = field(default_factory=WaitingOrders)
    woken: deque[int] = field(default_factory=deque)

    def traded(self, price: Decimal) -> None:
        """Take note of a trade, the market's or ours: it may trigger orders that wait."""
        self.last_price = price
        if self.waiting:
            self.woken.extend(self.waiting.pop_reached(price))

    def update(self, side: Side, levels: Levels) -> None:
        """Take changed levels of a side."""
        market, own = self.market[side], self.own[side]
        for price, amount in levels:
            market.update(price, amount)
            if own:
                own.cap_queue(price, market.left(price))

    def replace(self, side: Side, levels: Levels, *, whole: bool) -> None:
        """Take a snapshot of a side: the whole of it, or its best levels."""
        market, own = self.market[side], self.own[side]
        (market.replace if whole else market.replace_window)(levels)
        for price in own.prices():
            if market.covers(price):
                own.cap_queue(price, market.left(price))

    def consume(self, side: Side, price: Decimal, amount: Decimal) -> None:
        """Take from the market's level; our own orders behind it move up."""
        self.market[side].consume(price, amount)
        self.own[side].advance(price, amount)

    def queue_ahead(self, side: Side, price: Decimal) -> Decimal:
        """Return the market's amount that a new order at ``price`` waits behind."""
        market = self.market[side]
        return market.left(price) if market.covers(price) else UNKNOWN_QUEUE

    def takeable(self, side: Side, limit: Decimal | None) -> Iterator[Level | None]:
        """Yield what a taker on ``side`` meets, best first, down to ``limit`` (``None``: all).

        ``None`` ends it where the next in line is an order of our own.
        """
        maker = side.opposite
        ours = self.own[maker].best()
        for level in self.market[maker]:
            if not would_trade(side, limit, level.price):
                break
            if ours is not None and at_least_as_good(maker, ours.price, level.price):
                if ours.price == level.price and ours.ahead > 0:
                    yield Level(level.price, min(level.amount, ours.ahead))
                break
            yield level
        if ours is not None and would_trade(side, limit, ours.price):
            yield None

    def public_amount(self, side: Side, price: Decimal) -> Decimal:
        """Return all that is visible at a price: the market's and ours."""
        return self.market[side].left(price) + self.own[side].amount(price)

    def public(self, side: Side, depth: int | None) -> list[Level]:
        """Return a side as the public sees it, best first, at most ``depth`` levels."""
        market, own = self.market[side], self.own[side]
        if not own:
            return _first(market, depth)
        key: Callable[[Decimal], Decimal] = (lambda p: -p) if side is Side.BUY else (lambda p: p)
        best = {level.price for level in _first(market, depth)}
        prices = sorted(best.union(own.prices()), key=key)[:depth]
        return [Level(price, self.public_amount(side, price)) for price in prices]

    def reference_price(self) -> Decimal | None:
        """Return the price to value an order at: the last trade, else the best level there is."""
        if self.last_price is not None:
            return self.last_price
        best = self.market[Side.SELL].best() or self.market[Side.BUY].best()
        return None if best is None else best.price


def _first(market: MarketSide, depth: int | None) -> list[Level]:
    levels = iter(market)
    if depth is None:
        return list(levels)
    return [level for level, _ in zip(levels, range(depth), strict=False)]
