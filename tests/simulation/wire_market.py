"""The market of the simulated exchange in a run: the model's, as a feed of events."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals
from random import Random
from typing import Final

from cryptobot.domain.clock import NS_PER_MS, NS_PER_S
from cryptobot.domain.instrument import Instrument
from cryptobot.domain.market import Level
from cryptobot.domain.order import Side
from cryptobot.simulator.listing import Listing
from cryptobot.simulator.market.bar import Bar
from cryptobot.simulator.market.feed import BookChange, MarketEvent, MarketTrade

from .model_exchange import FIRST_PRICES, INSTRUMENTS, LEVELS

STEP_NS: Final = NS_PER_S // 2
MINUTE_MS: Final = 60_000
MARKET_MAX: Final = D(1000)


class WireMarket:
    """A ``MarketFeed`` that moves every half second, without end.

    Args:
        rng: Moves it.
    """

    description = "simulated run"

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._mid = dict(FIRST_PRICES)
        self._next_ns = 0
        self.listings = tuple(Listing(_bounded(it), MARKET_MAX) for it in INSTRUMENTS.values())

    def price(self, symbol: str) -> D:
        """Return the middle of the market."""
        return self._mid[symbol]

    def start(self, now_ns: int) -> None:
        """Begin now."""
        self._next_ns = now_ns

    def minute_history(self, symbol: str) -> Sequence[Bar]:
        """Return one flat bar."""
        price = self._mid[symbol]
        open_ms = self._next_ns // NS_PER_MS // MINUTE_MS * MINUTE_MS - MINUTE_MS
        return (Bar(open_ms, price, price, price, price, D(1), price),)

    def second_history(self, symbol: str) -> Sequence[Bar]:
        """Return none."""
        del symbol
        return ()

    def due(self, until_ns: int) -> Iterator[MarketEvent]:
        """Yield what happened by then."""
        while self._next_ns <= until_ns:
            at_ns, self._next_ns = self._next_ns, self._next_ns + STEP_NS
            yield from self._step(at_ns)

    def next_ns(self) -> int | None:
        """Return when it moves."""
        return self._next_ns

    def _step(self, at_ns: int) -> Iterator[MarketEvent]:
        for symbol, mid in self._mid.items():
            self._mid[symbol] = max(D(5), mid + D(self._rng.randint(-20, 20)) / 100)
            yield self._book(symbol, at_ns)
        symbol = self._rng.choice(list(self._mid))
        price = self._mid[symbol] + D(self._rng.randint(-3, 3)) / 100
        amount = D(self._rng.randint(1, 40)) / 10
        yield MarketTrade(at_ns, symbol, price, amount, self._rng.choice(list(Side)))

    def _book(self, symbol: str, at_ns: int) -> BookChange:
        mid, amount = self._mid[symbol], D(self._rng.randint(1, 30)) / 10
        bids = [Level(mid - D(level) / 100, amount * level) for level in range(1, LEVELS + 1)]
        asks = [Level(mid + D(level) / 100, amount * level) for level in range(1, LEVELS + 1)]
        return BookChange(at_ns, symbol, bids, asks, whole=True)


def _bounded(instrument: Instrument) -> Instrument:
    """Return an instrument with the bounds that the exchange's listing must name."""
    return replace(
        instrument,
        min_price=D("0.01"),
        max_price=D(1_000_000),
        max_amount=D(9_000),
        max_notional=D(9_000_000),
    )
