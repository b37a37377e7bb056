"""Fits the demo's symbols and strategies to the market that its simulated exchange has."""

import http.client
import json
from decimal import Decimal
from typing import Any, Final

from cryptobot.settings import Settings, StrategyStart

_PATIENCE_S: Final = 10.0
_NOTIONAL: Final = Decimal(150)
"""What one order of a strategy on another symbol than its own is worth, in quote currency."""


def last_prices(port: int) -> dict[str, Decimal]:
    """Return the last price of each symbol that the simulated exchange lists."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_S)
    try:
        connection.request("GET", "/sim/state")
        state: dict[str, Any] = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return {symbol: Decimal(item["last"]) for symbol, item in state["symbols"].items()}


def fitted(settings: Settings, listed: dict[str, Decimal]) -> list[str]:
    """Return the options that make an engine trade what is listed; none if it does already.

    A strategy whose symbol is not listed gets the first that is, and an amount to match.

    Args:
        settings: What the engine would run with.
        listed: Last price by symbol.
    """
    if listed.keys() >= set(settings.symbols):
        return []
    symbols = [symbol for symbol in settings.symbols if symbol in listed] or list(listed)
    start = [_moved(item, symbols[0], listed) for item in settings.strategies.start]
    return [
        *("--set", f"symbols={','.join(symbols)}"),
        *("--set", f"strategies.start={json.dumps(start)}"),
    ]


def _moved(item: StrategyStart, symbol: str, listed: dict[str, Decimal]) -> dict[str, object]:
    if item.params.get("symbol") in listed:
        return item.model_dump()
    amount = f"{_NOTIONAL / listed[symbol]:.6f}"
    return {"name": item.name, "params": {**item.params, "symbol": symbol, "amount": amount}}
