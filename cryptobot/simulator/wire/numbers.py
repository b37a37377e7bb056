"""Numbers as Binance writes them: strings with eight decimals."""

from collections.abc import Iterable
from decimal import Decimal

from cryptobot.domain.market import Level

ZERO8 = "0.00000000"


def eight(value: Decimal) -> str:
    """Return ``value`` with eight decimals."""
    return f"{value:.8f}"


def rows(levels: Iterable[Level]) -> list[tuple[str, str]]:
    """Return price levels as pairs of strings."""
    return [(f"{price:.8f}", f"{amount:.8f}") for price, amount in levels]
