"""From ccxt's market list to our instruments."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from cryptobot.domain.instrument import Instrument
from cryptobot.trading import ccxt_translation as translate
from cryptobot.trading.ccxt_streams import UNREADABLE


def spot_instruments(markets: Iterable[Any]) -> dict[str, Instrument]:
    """Return the spot markets with known steps; one odd listing does not hide the others."""
    found = {}
    for market in markets:
        with suppress(*UNREADABLE):
            precision = market["precision"]
            steps_known = precision["price"] is not None and precision["amount"] is not None
            if market.get("spot") and steps_known:
                found[market["symbol"]] = translate.instrument(market)
    return found
