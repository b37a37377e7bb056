"""What each generated symbol is like, and how the prices hang together."""

import math
import random
from dataclasses import dataclass

from cryptobot.simulator.market.price_process import PriceParameters, PriceProcess


@dataclass(frozen=True, slots=True)
class Coin:
    """A coin's own wandering, in addition to its share of Bitcoin's.

    Attributes:
        usdt_price: At the start.
        beta: How much of Bitcoin's move it follows.
    """

    usdt_price: float
    beta: float
    parameters: PriceParameters


COINS: dict[str, Coin] = {
    "BTC": Coin(64_000.0, 1.0, PriceParameters(1.1e-4, 2.6e-5)),
    "ETH": Coin(3_100.0, 1.0, PriceParameters(0.7e-4, 1.5e-5)),
    "SOL": Coin(160.0, 1.2, PriceParameters(1.1e-4, 2.2e-5)),
    "BNB": Coin(580.0, 0.7, PriceParameters(0.7e-4, 1.2e-5)),
}


class CoinPrices:
    """The fair prices of all coins, moved together.

    Args:
        rng: Seeded.
    """

    def __init__(self, rng: random.Random) -> None:
        self._processes = {coin: PriceProcess(rng, COINS[coin].parameters) for coin in COINS}
        self._at_s = 0.0

    def advance_to(self, at_s: float) -> None:
        """Move every price to ``at_s`` seconds."""
        elapsed = at_s - self._at_s
        if elapsed > 0:
            self._at_s = at_s
            for process in self._processes.values():
                process.advance(elapsed)

    def log_price(self, base: str, quote: str) -> float:
        """Return the log of the fair price of ``base`` in ``quote``."""
        return self._usdt(base) - (0.0 if quote == "USDT" else self._usdt(quote))

    def drift(self, base: str) -> float:
        """Return the present drift of ``base`` in standard deviations of a second."""
        coin = COINS[base]
        drift = self._processes[base].drift
        if base != "BTC":
            drift += coin.beta * self._processes["BTC"].drift
        return drift / coin.parameters.sigma

    def volatility(self, base: str) -> float:
        """Return the present volatility of ``base`` as a multiple of the normal one."""
        return self._processes[base].volatility

    def end_of_history(self) -> None:
        """Let the present be each coin's starting price; what was is relative to it."""
        for process in self._processes.values():
            process.go_home()
        self._at_s = 0.0

    def _usdt(self, base: str) -> float:
        coin = COINS[base]
        level = self._processes[base].level
        if base != "BTC":
            level += coin.beta * self._processes["BTC"].level
        return math.log(coin.usdt_price) + level
