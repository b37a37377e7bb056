"""The seam behind which every market source stands."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol, TypeAlias

from cryptobot.domain.market import Level
from cryptobot.domain.order import Side
from cryptobot.simulator.listing import Listing
from cryptobot.simulator.market.bar import Bar


@dataclass(frozen=True, slots=True)
class BookChange:
    """Levels of the market's book that changed, with absolute amounts (0 removes).

    Attributes:
        symbol: Unified symbol.
        whole: The levels are the whole book, not a change of it.
    """

    at_ns: int
    symbol: str
    bids: Sequence[Level]
    asks: Sequence[Level]
    whole: bool = False


@dataclass(frozen=True, slots=True)
class MarketTrade:
    """A trade between others; ``taker_side`` is the aggressor's."""

    at_ns: int
    symbol: str
    price: Decimal
    amount: Decimal
    taker_side: Side


MarketEvent: TypeAlias = BookChange | MarketTrade


class MarketFeed(Protocol):
    """A market's events in the order of time. It never looks at a clock: it is asked."""

    @property
    def description(self) -> str:
        """One line for people: what is played."""
        ...

    @property
    def listings(self) -> Sequence[Listing]:
        """The symbols of this market; known before ``start``."""
        ...

    def start(self, now_ns: int) -> None:
        """Place the market's beginning at ``now_ns``, UTC nanoseconds. Called once."""
        ...

    def minute_history(self, symbol: str) -> Sequence[Bar]:
        """Return bars before the start, oldest first, the last one possibly running.

        They are minutes, or whatever longer or shorter interval a recording has.
        """
        ...

    def second_history(self, symbol: str) -> Sequence[Bar]:
        """Return 1-second bars before the start, oldest first; may be empty."""
        ...

    def due(self, until_ns: int) -> Iterator[MarketEvent]:
        """Yield, and forget, every event up to ``until_ns``, in order."""
        ...

    def next_ns(self) -> int | None:
        """Return when the next event is due; ``None`` after the last one."""
        ...
