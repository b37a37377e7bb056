"""A seeded random walk dressed up as market data, for the scripted engine."""

import random
from decimal import Decimal

STEP_S = 60


class ScriptedMarket:
    """Candles, a book and a last price of one symbol.

    Args:
        symbol: Its name.
        price: Where it starts.
        step: Price step.
        seed: The whole walk follows from it.
        now: Seconds since the epoch of the newest candle.
    """

    def __init__(self, symbol: str, price: float, step: str, seed: int, now: float) -> None:
        self.symbol = symbol
        self.step = Decimal(step)
        self._random = random.Random(f"{symbol}{seed}")
        self._drift = 0.0
        self.price = price
        self.candles: list[list[object]] = []
        start = int(now // STEP_S) * STEP_S - 400 * STEP_S
        for at in range(401):
            self._open((start + at * STEP_S) * 1_000)
            for _ in range(20):
                self.tick()

    def _open(self, open_ms: int) -> None:
        word = self._word(self.price)
        self.candles.append([open_ms, word, word, word, word, "0"])

    def tick(self) -> list[object]:
        """Move the price and return the newest candle."""
        self._drift = self._drift * 0.97 + self._random.gauss(0, 0.00003)
        self.price *= 1 + self._drift + self._random.gauss(0, 0.00016)
        candle = self.candles[-1]
        word = self._word(self.price)
        candle[2] = max(str(candle[2]), word, key=Decimal)
        candle[3] = min(str(candle[3]), word, key=Decimal)
        candle[4] = word
        volume = Decimal(str(candle[5])) + Decimal(str(round(self._random.expovariate(1 / 0.4), 5)))
        candle[5] = str(volume)
        return list(candle)

    def roll(self, now: float) -> None:
        """Open a new candle when its time has come."""
        open_ms = int(now // STEP_S) * STEP_S * 1_000
        last = self.candles[-1][0]
        if isinstance(last, int) and open_ms > last:
            self._open(open_ms)

    def book(self) -> dict[str, object]:
        """Return ten levels a side around the price."""
        middle = Decimal(self._word(self.price))
        bids, asks = [], []
        for at in range(1, 11):
            gap = self.step * (at * 3 - self._random.randint(0, 2))
            size = Decimal(str(round(self._random.expovariate(1 / 0.6) + 0.001, 5)))
            more = Decimal(str(round(self._random.expovariate(1 / 0.6) + 0.001, 5)))
            bids.append([str(middle - gap), str(size)])
            asks.append([str(middle + gap), str(more)])
        return {"symbol": self.symbol, "bids": bids, "asks": asks, "age_ms": 12}

    def _word(self, price: float) -> str:
        return str((Decimal(str(price)) / self.step).to_integral_value() * self.step)
