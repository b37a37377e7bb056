"""Bars before the start, made so that they end exactly where the running price begins."""

import math
import random
from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from cryptobot.simulator.listing import Listing
from cryptobot.simulator.market.bar import Bar, fold
from cryptobot.simulator.market.coins import CoinPrices

MINUTE_MS = 60_000
SECOND_MS = 1_000
MINUTES = 1_500
SECONDS = 1_000
_STEPS_A_MINUTE = 2
_STEPS_A_SECOND = 2
_NOTIONAL_A_SECOND = 2_500.0
_EIGHT = Decimal("0.00000001")

Path = list[float]


class _Grid(NamedTuple):
    """Where a path's bars lie: ``steps`` points of the path make one."""

    start_ms: int
    interval_ms: int
    steps: int


class GeneratedHistory:
    """Minute bars for a day and second bars for the last quarter of an hour, of every symbol.

    Args:
        rng: Seeded.
        prices: Walked through the whole history, then sent home: the last bar's close is the
            price at which the running market starts.
        listings: The symbols.
        now_ms: The start, UTC milliseconds.
    """

    def __init__(
        self,
        rng: random.Random,
        prices: CoinPrices,
        listings: tuple[Listing, ...],
        now_ms: int,
    ) -> None:
        self._rng = rng
        seconds_end = now_ms - now_ms % SECOND_MS
        seconds_start = seconds_end - SECONDS * SECOND_MS
        seconds_start -= seconds_start % MINUTE_MS
        minutes_start = seconds_start - MINUTES * MINUTE_MS
        paths = _walk(prices, listings, (seconds_end - seconds_start) // SECOND_MS)
        home = {listing.symbol: _log(prices, listing) for listing in listings}
        prices.end_of_history()
        self.minutes: dict[str, list[Bar]] = {}
        self.seconds: dict[str, list[Bar]] = {}
        for listing in listings:
            coarse, fine = paths[listing.symbol]
            shift = _log(prices, listing) - home[listing.symbol]
            minutes = self._bars(
                coarse, _Grid(minutes_start, MINUTE_MS, _STEPS_A_MINUTE), listing, shift
            )
            seconds = self._bars(
                fine, _Grid(seconds_start, SECOND_MS, _STEPS_A_SECOND), listing, shift
            )
            self.seconds[listing.symbol] = seconds
            self.minutes[listing.symbol] = minutes + fold(seconds, MINUTE_MS)

    def _bars(self, path: Path, grid: _Grid, listing: Listing, shift: float) -> list[Bar]:
        price = _rounder(listing, shift)
        bars = []
        for index in range((len(path) - 1) // grid.steps):
            first = index * grid.steps
            points = [price(level) for level in path[first : first + grid.steps + 1]]
            open_ms = grid.start_ms + index * grid.interval_ms
            bars.append(self._bar(open_ms, points, grid.interval_ms, listing))
        return bars

    def _bar(self, open_ms: int, points: list[Decimal], interval_ms: int, listing: Listing) -> Bar:
        rng = self._rng
        step = listing.instrument.amount_step
        low, high = min(points), max(points)
        move = float((high - low) / low)
        busy = rng.lognormvariate(-0.1, 0.5) * (1 + 400 * move)
        notional = _NOTIONAL_A_SECOND * interval_ms / SECOND_MS * busy
        usdt = float(low) if listing.instrument.quote == "USDT" else 3_100.0
        lots = max(2, int(notional / usdt / float(step)))
        volume = lots * step
        taken = int(lots * rng.uniform(0.35, 0.65)) * step
        middle = (low + high) / 2
        return Bar(
            open_ms,
            points[0],
            high,
            low,
            points[-1],
            volume,
            (volume * middle).quantize(_EIGHT),
            max(2, int(notional / 600)),
            taken,
            (taken * middle).quantize(_EIGHT),
        )


def _walk(
    prices: CoinPrices, listings: tuple[Listing, ...], seconds: int
) -> dict[str, tuple[Path, Path]]:
    """Walk all prices together; return each symbol's coarse and fine path."""
    paths: dict[str, tuple[Path, Path]] = {
        listing.symbol: ([_log(prices, listing)], []) for listing in listings
    }
    at_s = 0.0
    for _ in range(MINUTES * _STEPS_A_MINUTE):
        at_s += 60 / _STEPS_A_MINUTE
        prices.advance_to(at_s)
        for listing in listings:
            paths[listing.symbol][0].append(_log(prices, listing))
    for coarse, fine in paths.values():
        fine.append(coarse[-1])
    for _ in range(seconds * _STEPS_A_SECOND):
        at_s += 1 / _STEPS_A_SECOND
        prices.advance_to(at_s)
        for listing in listings:
            paths[listing.symbol][1].append(_log(prices, listing))
    return paths


def _log(prices: CoinPrices, listing: Listing) -> float:
    return prices.log_price(listing.instrument.base, listing.instrument.quote)


def _rounder(listing: Listing, shift: float) -> Callable[[float], Decimal]:
    step = listing.instrument.price_step
    size = float(step)

    def price(level: float) -> Decimal:
        return max(1, round(math.exp(level + shift) / size)) * step

    return price
