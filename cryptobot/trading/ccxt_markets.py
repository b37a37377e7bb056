"""From ccxt's market list to our instruments."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import ccxt

from cryptobot.domain.instrument import Instrument
from cryptobot.trading import ccxt_translation as translate
from cryptobot.trading.ccxt_streams import UNREADABLE


def load_only_when_asked(instance: Any) -> None:
    """Let a ccxt instance load markets when it is told to (``reload``), and never by itself.

    Every call of ccxt's loads them when there are none, keeps for ever what it was told then,
    nothing at all included, and so could undo what a better answer had brought.
    """
    load = instance.load_markets

    async def load_markets(reload: bool = False, params: object = None) -> Any:
        if reload:
            return await load(reload, params or {})
        if not instance.markets:
            raise ccxt.ExchangeNotAvailable("not connected yet: the markets are not known")
        return instance.markets

    instance.load_markets = load_markets


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
