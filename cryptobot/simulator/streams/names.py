"""Names of market streams and what they mean."""

import re
from dataclasses import dataclass
from enum import StrEnum

from cryptobot.simulator.intervals import INTERVALS


class Kind(StrEnum):
    """What a stream carries."""

    TRADE = "trade"
    AGGREGATE_TRADE = "aggTrade"
    BOOK_TICKER = "bookTicker"
    DEPTH = "depth"
    PARTIAL_DEPTH = "partialDepth"
    KLINE = "kline"
    MINI_TICKER = "miniTicker"
    TICKER = "ticker"
    AVERAGE_PRICE = "avgPrice"
    ALL_MINI_TICKERS = "allMiniTickers"


@dataclass(frozen=True, slots=True)
class StreamName:
    """A stream's name, taken apart.

    Attributes:
        wire: The symbol as REST writes it (``BTCUSDT``), empty for all symbols.
        interval: Of klines.
        levels: Of partial depth.
        every_ms: How often depth is sent.
    """

    name: str
    kind: Kind
    wire: str = ""
    interval: str = ""
    levels: int = 0
    every_ms: int = 0


_SIMPLE = {
    kind.value: kind
    for kind in (
        Kind.TRADE,
        Kind.AGGREGATE_TRADE,
        Kind.BOOK_TICKER,
        Kind.MINI_TICKER,
        Kind.TICKER,
        Kind.AVERAGE_PRICE,
    )
}
_DEPTH = re.compile(r"^depth(5|10|20)?(?:@(100|1000)ms)?$")


def parse(name: str) -> StreamName | None:
    """Return what ``name`` means, ``None`` when no such kind of stream exists."""
    if name == "!miniTicker@arr":
        return StreamName(name, Kind.ALL_MINI_TICKERS, every_ms=1_000)
    symbol, at, rest = name.partition("@")
    if not at or not symbol or symbol != symbol.lower():
        return None
    wire = symbol.upper()
    if rest in _SIMPLE:
        return StreamName(name, _SIMPLE[rest], wire)
    if rest.startswith("kline_") and rest[6:] in INTERVALS:
        return StreamName(name, Kind.KLINE, wire, interval=rest[6:])
    depth = _DEPTH.match(rest)
    if depth is None:
        return None
    levels, every = depth.groups()
    every_ms = int(every or 1_000)
    if levels:
        return StreamName(name, Kind.PARTIAL_DEPTH, wire, levels=int(levels), every_ms=every_ms)
    return StreamName(name, Kind.DEPTH, wire, every_ms=every_ms)
