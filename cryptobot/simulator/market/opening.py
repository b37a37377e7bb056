"""Chooses the market by what ``--market`` says, and a file by what it holds."""

from cryptobot.domain.errors import UserError
from cryptobot.simulator.market.feed import MarketFeed
from cryptobot.simulator.market.generated import GeneratedMarket


def open_market(name: str, seed: int) -> MarketFeed:
    """Return the market called ``generated``. Raises ``UserError`` for any other."""
    if name != "generated":
        raise UserError(f"unknown market {name!r}: give --market generated")
    return GeneratedMarket(seed)
