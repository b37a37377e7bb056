"""A market that does only what a test says, in one or two symbols."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from cryptobot.domain.clock import NS_PER_S
from cryptobot.domain.market import Level
from cryptobot.domain.order import Side
from cryptobot.simulator.listing import LISTINGS, Listing
from cryptobot.simulator.market.bar import Bar
from cryptobot.simulator.market.feed import BookChange, MarketEvent, MarketTrade

D = Decimal
BTC = "BTC/USDT"


def levels(text: str) -> list[Level]:
    """Read levels such as ``"100.5 x 2, 100.4 x 1"``."""
    pairs = [part.split("x") for part in text.split(",") if part.strip()]
    return [Level(D(price.strip()), D(amount.strip())) for price, amount in pairs]


class ScriptedMarket:
    """Events at given seconds after the start; the first book is there at once."""

    description = "scripted"

    def __init__(
        self,
        bids: str = "64000 x 1, 63999 x 2, 63990 x 5",
        asks: str = "64001 x 1, 64002 x 2, 64010 x 5",
        listings: Sequence[Listing] = LISTINGS[:2],
    ) -> None:
        self.listings = tuple(listings)
        self._events: list[MarketEvent] = []
        self._start_ns = 0
        self._first = BookChange(0, BTC, levels(bids), levels(asks), whole=True)

    def start(self, now_ns: int) -> None:
        self._start_ns = now_ns
        first = self._first
        self._events = [BookChange(now_ns, BTC, first.bids, first.asks, whole=True)]

    def minute_history(self, symbol: str) -> Sequence[Bar]:
        del symbol
        return ()

    def second_history(self, symbol: str) -> Sequence[Bar]:
        del symbol
        return ()

    def due(self, until_ns: int) -> Iterator[MarketEvent]:
        while self._events and self._events[0].at_ns <= until_ns:
            yield self._events.pop(0)

    def next_ns(self) -> int | None:
        return self._events[0].at_ns if self._events else None

    def later(self, after_s: float, *, bids: str = "", asks: str = "") -> None:
        """Change levels ``after_s`` seconds after the start."""
        at_ns = self._start_ns + int(after_s * NS_PER_S)
        self._events.append(BookChange(at_ns, BTC, levels(bids), levels(asks)))

    def trade(self, after_s: float, price: str, amount: str, side: Side) -> None:
        """Print a trade ``after_s`` seconds after the start."""
        at_ns = self._start_ns + int(after_s * NS_PER_S)
        self._events.append(MarketTrade(at_ns, BTC, D(price), D(amount), side))
