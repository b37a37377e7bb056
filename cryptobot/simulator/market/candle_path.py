"""A path of trades through one candle: it opens, reaches both extremes, and closes as recorded."""

import random
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise

from cryptobot.domain.money import ZERO, floor_to_step
from cryptobot.simulator.market.bar import Bar

_MARGIN = 1 + 1e-6
"""Keeps rounded shares from adding up to more than there is."""


def trade_prices(bar: Bar, count: int, step: Decimal, rng: random.Random) -> Sequence[Decimal]:
    """Return ``count`` prices, at least four: first open, both extremes within, last close.

    A rising candle visits its low first, a falling one its high, as most real ones do.

    Args:
        bar: The candle.
        count: How many.
        step: The price step.
        rng: Seeded.
    """
    corners = (
        [bar.open, bar.low, bar.high, bar.close]
        if bar.close >= bar.open
        else [bar.open, bar.high, bar.low, bar.close]
    )
    legs = len(corners) - 1
    extra = max(0, count - len(corners))
    lengths = [abs(later - here) for here, later in pairwise(corners)]
    total = sum(lengths, ZERO)
    shares = [int(extra * length / total) if total else extra // legs for length in lengths]
    shares[-1] += extra - sum(shares)
    prices = [corners[0]]
    noise = (bar.high - bar.low) / 12
    for here, there, between in zip(corners[:-1], corners[1:], shares, strict=True):
        for number in range(1, between + 1):
            straight = here + (there - here) * number / (between + 1)
            wandering = straight + noise * Decimal(str(round(rng.uniform(-1, 1), 3)))
            rounded = (wandering / step).to_integral_value(ROUND_HALF_EVEN) * step
            prices.append(min(bar.high, max(bar.low, rounded)))
        prices.append(there)
    return prices


def split_volume(
    volume: Decimal, count: int, step: Decimal, rng: random.Random
) -> Sequence[Decimal]:
    """Return ``count`` amounts above 0 that add up to ``volume`` exactly.

    Args:
        volume: In base currency, above 0.
        count: How many.
        step: The amount step; the last amount may be finer, and all are for a tiny volume.
        rng: Seeded.
    """
    spare = volume - count * step
    if spare < 0:
        even = volume / count
        return [*([even] * (count - 1)), volume - even * (count - 1)]
    weights = [rng.lognormvariate(0, 1) for _ in range(count)]
    total = sum(weights) * _MARGIN
    amounts = [
        step + floor_to_step(spare * Decimal(str(round(weight / total, 9))), step)
        for weight in weights[:-1]
    ]
    return [*amounts, volume - sum(amounts, ZERO)]
