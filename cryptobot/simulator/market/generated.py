"""The generated market: a seeded book, trades and history that move like a real one."""

import heapq
import math
import random
from collections.abc import Iterator, Sequence

from cryptobot.domain.clock import NS_PER_MS, NS_PER_S
from cryptobot.domain.market import Level
from cryptobot.domain.order import Side
from cryptobot.simulator.listing import LISTINGS, Listing
from cryptobot.simulator.market.bar import Bar
from cryptobot.simulator.market.coins import COINS, CoinPrices
from cryptobot.simulator.market.feed import BookChange, MarketEvent, MarketTrade
from cryptobot.simulator.market.generated_book import Changes, GeneratedBook
from cryptobot.simulator.market.generated_history import GeneratedHistory

_BOOK_RATE = 7.0
_TRADE_RATE = 1.6
_EXCITEMENT = 0.9
_CALMING = 1.7
_MAX_TRADE_RATE = 18.0
_MEDIAN_TRADE_USDT = 160.0
_TRADE_SIGMA = 1.5
_LEVEL_USDT = 9_000.0
_SPREAD = 0.00004


class _Symbol:
    """One symbol's book and how excited its traders are."""

    __slots__ = ("book", "excited_at_s", "excitement", "listing", "lot", "tick", "usdt")

    def __init__(self, rng: random.Random, listing: Listing, prices: CoinPrices) -> None:
        instrument = listing.instrument
        self.listing = listing
        self.tick = float(instrument.price_step)
        self.lot = float(instrument.amount_step)
        self.usdt = COINS[instrument.base].usdt_price
        fair = self.fair_ticks(prices)
        self.book = GeneratedBook(
            rng,
            fair,
            max(1, round(fair * _SPREAD)),
            max(4, int(_LEVEL_USDT / self.usdt / self.lot)),
        )
        self.excitement = 0.0
        self.excited_at_s = 0.0

    def fair_ticks(self, prices: CoinPrices) -> float:
        instrument = self.listing.instrument
        return math.exp(prices.log_price(instrument.base, instrument.quote)) / self.tick

    def trade_rate(self, at_s: float, volatility: float) -> float:
        """Trades cluster: each one makes the next more likely, for a second or so."""
        self.excitement *= math.exp(-_CALMING * (at_s - self.excited_at_s))
        self.excited_at_s = at_s
        return min(_MAX_TRADE_RATE, _TRADE_RATE * math.sqrt(volatility) + self.excitement)


class GeneratedMarket:
    """A market made from a seed: the same seed gives the same market, event for event.

    Args:
        seed: Any integer.
        listings: Symbols whose coins are in ``COINS``.
    """

    def __init__(self, seed: int, listings: Sequence[Listing] = LISTINGS) -> None:
        self._seed = seed
        self._listings = tuple(listings)
        self._rng = random.Random(seed)  # noqa: S311 - a market, not a secret
        self._prices = CoinPrices(random.Random(seed + 1))  # noqa: S311 - as above
        self._symbols: list[_Symbol] = []
        self._agenda: list[tuple[int, int, bool]] = []
        self._first: list[BookChange] = []
        self._start_ns = 0
        self._history: GeneratedHistory | None = None

    @property
    def description(self) -> str:
        """One line for people."""
        return f"generated, seed {self._seed}"

    @property
    def listings(self) -> Sequence[Listing]:
        """The symbols."""
        return self._listings

    def start(self, now_ns: int) -> None:
        """Make the history up to ``now_ns`` and the first books."""
        self._start_ns = now_ns
        self._history = GeneratedHistory(
            random.Random(self._seed + 2),  # noqa: S311 - as above
            self._prices,
            self._listings,
            now_ns // NS_PER_MS,
        )
        self._symbols = [_Symbol(self._rng, listing, self._prices) for listing in self._listings]
        for index, symbol in enumerate(self._symbols):
            book = symbol.book
            whole = Changes(dict(book.bids), dict(book.asks))
            self._first.append(self._change(symbol, now_ns, whole, whole=True))
            self._schedule(index, now_ns, _BOOK_RATE, is_trade=False)
            self._schedule(index, now_ns, _TRADE_RATE, is_trade=True)

    def minute_history(self, symbol: str) -> Sequence[Bar]:
        """Return 1,500 minutes and more."""
        return self._history.minutes[symbol] if self._history else ()

    def second_history(self, symbol: str) -> Sequence[Bar]:
        """Return the last quarter of an hour by the second."""
        return self._history.seconds[symbol] if self._history else ()

    def next_ns(self) -> int | None:
        """Return when the next event is due; a generated market never ends."""
        return self._first[0].at_ns if self._first else self._agenda[0][0]

    def due(self, until_ns: int) -> Iterator[MarketEvent]:
        """Yield, and forget, every event up to ``until_ns``."""
        while self._first and self._first[0].at_ns <= until_ns:
            yield self._first.pop(0)
        while self._agenda and self._agenda[0][0] <= until_ns:
            at_ns, index, is_trade = heapq.heappop(self._agenda)
            symbol = self._symbols[index]
            at_s = (at_ns - self._start_ns) / NS_PER_S
            self._prices.advance_to(at_s)
            if is_trade:
                yield from self._trade(symbol, at_ns)
                volatility = self._prices.volatility(symbol.listing.instrument.base)
                rate = symbol.trade_rate(at_s, volatility) + _EXCITEMENT
                symbol.excitement += _EXCITEMENT
            else:
                changes = symbol.book.step(symbol.fair_ticks(self._prices))
                yield self._change(symbol, at_ns, changes)
                rate = _BOOK_RATE
            self._schedule(index, at_ns, rate, is_trade=is_trade)

    def _schedule(self, index: int, now_ns: int, rate: float, *, is_trade: bool) -> None:
        wait_ns = int(self._rng.expovariate(rate) * NS_PER_S) + NS_PER_MS
        heapq.heappush(self._agenda, (now_ns + wait_ns, index, is_trade))

    def _trade(self, symbol: _Symbol, at_ns: int) -> Iterator[MarketEvent]:
        rng, book = self._rng, symbol.book
        middle = (book.best_bid + book.best_ask) / 2
        pressure = (symbol.fair_ticks(self._prices) - middle) / max(
            1.0, book.best_ask - book.best_bid
        )
        pressure += self._prices.drift(symbol.listing.instrument.base)
        buys = rng.random() < 0.5 + max(-0.35, min(0.35, 0.3 * pressure))
        usdt = _MEDIAN_TRADE_USDT * rng.lognormvariate(0, _TRADE_SIGMA)
        lots = max(1, int(usdt / symbol.usdt / symbol.lot))
        taken, changes = book.take(buys=buys, lots=lots)
        side = Side.BUY if buys else Side.SELL
        instrument = symbol.listing.instrument
        for ticks, amount in taken:
            yield MarketTrade(
                at_ns,
                instrument.symbol,
                ticks * instrument.price_step,
                amount * instrument.amount_step,
                side,
            )
        if taken:
            yield self._change(symbol, at_ns, changes)

    def _change(
        self, symbol: _Symbol, at_ns: int, changes: Changes, *, whole: bool = False
    ) -> BookChange:
        instrument = symbol.listing.instrument
        tick, lot = instrument.price_step, instrument.amount_step

        def levels(side: dict[int, int]) -> list[Level]:
            return [Level(ticks * tick, lots * lot) for ticks, lots in side.items()]

        return BookChange(
            at_ns, instrument.symbol, levels(changes.bids), levels(changes.asks), whole
        )
