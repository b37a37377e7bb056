"""A symbol's generated order book, in whole ticks and lots."""

import random
from dataclasses import dataclass, field

_LEVELS = 140
_WIDTH = 0.012
_MUTATIONS = 3


@dataclass(slots=True)
class Changes:
    """Levels changed by one step: ticks to lots, 0 for a level that is gone."""

    bids: dict[int, int] = field(default_factory=dict)
    asks: dict[int, int] = field(default_factory=dict)


class GeneratedBook:
    """Levels on both sides of a fair price that they follow when it leaves the spread.

    The spread returns to its usual width by new levels inside it; depth grows with distance;
    single levels come, go and change size at random, most often near the best.

    Args:
        rng: Seeded.
        fair: The fair price in ticks.
        spread: The usual spread in ticks.
        lots: The usual size of a level in lots.
    """

    __slots__ = ("_lots", "_rng", "_spread", "_width", "asks", "bids")

    def __init__(self, rng: random.Random, fair: float, spread: int, lots: int) -> None:
        self._rng = rng
        self._spread = spread
        self._lots = lots
        self._width = max(_LEVELS * 2, int(fair * _WIDTH))
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}
        half = max(1, spread // 2)
        self._set(-1, int(fair) - half + 1, Changes())
        self._set(1, int(fair) + half, Changes())
        self._refill(Changes())

    @property
    def best_bid(self) -> int:
        """The highest bid in ticks."""
        return max(self.bids)

    @property
    def best_ask(self) -> int:
        """The lowest ask in ticks."""
        return min(self.asks)

    def step(self, fair: float) -> Changes:
        """Follow the fair price (in ticks) and shuffle some levels; return what changed."""
        changes = Changes()
        self._follow(fair, changes)
        self._narrow(fair, changes)
        for _ in range(self._rng.randint(1, _MUTATIONS)):
            self._mutate(changes)
        self._refill(changes)
        return changes

    def take(self, *, buys: bool, lots: int) -> tuple[list[tuple[int, int]], Changes]:
        """Let a taker take up to ``lots``; return (ticks, lots) of each level met, and changes.

        The last level of a side is never taken whole.
        """
        side = self.asks if buys else self.bids
        changes = Changes()
        changed = changes.asks if buys else changes.bids
        taken: list[tuple[int, int]] = []
        while lots > 0:
            ticks = min(side) if buys else max(side)
            there = side[ticks]
            amount = min(lots, there if len(side) > 1 else there - 1)
            if amount <= 0:
                break
            taken.append((ticks, amount))
            lots -= amount
            if amount == there:
                del side[ticks]
                changed[ticks] = 0
            else:
                side[ticks] = changed[ticks] = there - amount
        return taken, changes

    def _follow(self, fair: float, changes: Changes) -> None:
        if fair >= self.best_ask:
            for ticks in [ticks for ticks in self.asks if ticks <= fair]:
                del self.asks[ticks]
                changes.asks[ticks] = 0
            if not self.asks:
                self._set(1, int(fair) + 1, changes)
        elif fair <= self.best_bid:
            for ticks in [ticks for ticks in self.bids if ticks >= fair]:
                del self.bids[ticks]
                changes.bids[ticks] = 0
            if not self.bids:
                self._set(-1, int(fair), changes)

    def _narrow(self, fair: float, changes: Changes) -> None:
        bid, ask = self.best_bid, self.best_ask
        if ask - bid <= self._spread:
            return
        half = max(0.5, self._spread * self._rng.lognormvariate(0, 0.4) / 2)
        new_bid = min(int(fair - half), ask - 1)
        new_ask = max(int(fair + half) + 1, new_bid + 1, bid + 1)
        if new_bid > bid:
            self._set(-1, new_bid, changes)
        if new_ask < ask:
            self._set(1, new_ask, changes)

    def _mutate(self, changes: Changes) -> None:
        side, sign, changed = (
            (self.bids, -1, changes.bids)
            if self._rng.random() < 0.5  # noqa: PLR2004 - either side
            else (self.asks, 1, changes.asks)
        )
        best = max(side) if sign < 0 else min(side)
        ticks = best + sign * self._distance()
        if ticks <= 0:
            return
        if ticks in side and ticks != best and self._rng.random() < 0.6:  # noqa: PLR2004 - mostly cancels
            del side[ticks]
            changed[ticks] = 0
        else:
            self._set(sign, ticks, changes)

    def _refill(self, changes: Changes) -> None:
        for side, sign, changed in (
            (self.bids, -1, changes.bids),
            (self.asks, 1, changes.asks),
        ):
            best = max(side) if sign < 0 else min(side)
            if len(side) > _LEVELS + 20:
                far = sorted(side, key=lambda ticks: abs(ticks - best))[_LEVELS:]
                for ticks in far:
                    del side[ticks]
                    changed[ticks] = 0
            attempts = 0
            while len(side) < _LEVELS and attempts < _LEVELS * 2:
                attempts += 1
                ticks = best + sign * self._distance()
                if ticks > 0 and ticks not in side:
                    self._set(sign, ticks, changes)

    def _set(self, sign: int, ticks: int, changes: Changes) -> None:
        side, changed = (self.bids, changes.bids) if sign < 0 else (self.asks, changes.asks)
        best = (max(side) if sign < 0 else min(side)) if side else ticks
        depth = abs(ticks - best) / self._width
        lots = self._lots * (0.4 + 4 * depth**0.5) * self._rng.lognormvariate(0, 0.8)
        side[ticks] = changed[ticks] = max(2, int(lots))

    def _distance(self) -> int:
        return int(self._width * self._rng.random() ** 3)
