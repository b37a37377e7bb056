"""How prices wander: stochastic volatility, regimes of trend, and a pull back home."""

import math
import random
from dataclasses import dataclass

_VOLATILITY_PULL = 0.02
_VOLATILITY_OF_VOLATILITY = 0.09
_HOME_PULL = 1 / 2400
_REGIMES = (-1.0, 0.0, 1.0)
_REGIME_SECONDS = (15.0, 55.0)


@dataclass(frozen=True, slots=True)
class PriceParameters:
    """What a process is like.

    Attributes:
        sigma: Standard deviation of the log price over one second, at normal volatility.
        trend: Drift of the log price a second while a trend lasts.
    """

    sigma: float
    trend: float


class PriceProcess:
    """A log price that starts at 0.

    Volatility is the exponential of a mean-reverting process (so that quiet and wild times
    cluster); drift changes between down, none and up every 15 to 55 seconds, so that moving
    averages cross within a minute or two; a weak pull keeps the price near its start for hours.

    Args:
        rng: Seeded.
        parameters: What it is like.
    """

    __slots__ = ("_log_volatility", "_parameters", "_regime_left", "_rng", "drift", "level")

    def __init__(self, rng: random.Random, parameters: PriceParameters) -> None:
        self._rng = rng
        self._parameters = parameters
        self._log_volatility = 0.0
        self._regime_left = 0.0
        self.drift = 0.0
        self.level = 0.0

    @property
    def volatility(self) -> float:
        """Present volatility as a multiple of the normal one."""
        return math.exp(self._log_volatility)

    def advance(self, seconds: float) -> None:
        """Move ``seconds`` on."""
        rng = self._rng
        self._regime_left -= seconds
        if self._regime_left <= 0:
            self.drift = rng.choice(_REGIMES) * self._parameters.trend
            self._regime_left = rng.uniform(*_REGIME_SECONDS)
        root = math.sqrt(seconds)
        pull = min(1.0, _VOLATILITY_PULL * seconds)
        self._log_volatility += (
            -pull * self._log_volatility + _VOLATILITY_OF_VOLATILITY * root * rng.gauss(0, 1)
        )
        step = self._parameters.sigma * math.exp(self._log_volatility) * root * rng.gauss(0, 1)
        self.level += (self.drift - _HOME_PULL * self.level) * seconds + step

    def go_home(self) -> None:
        """Start again from 0, keeping volatility and regime."""
        self.level = 0.0
