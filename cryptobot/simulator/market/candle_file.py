"""OHLCV files: timestamp in milliseconds, prices and volume as written."""

import math
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path

from cryptobot.domain.errors import UserError
from cryptobot.simulator.listing import LISTINGS, Listing, make_listing
from cryptobot.simulator.market.bar import Bar
from cryptobot.simulator.market.recording import lines

_SYMBOL = re.compile(r"(?<![A-Z0-9])([A-Z0-9]{2,10})-([A-Z]{3,5})(?![A-Z0-9])")
_FIELDS = 6
_DEFAULT_SYMBOL = "BTC/USDT"


@dataclass(frozen=True, slots=True)
class CandleFile:
    """What an OHLCV file holds.

    Attributes:
        bars: Oldest first, at their recorded times.
        interval_ms: The length of one bar.
    """

    listing: Listing
    bars: list[Bar]
    interval_ms: int


def read_candles(path: Path) -> CandleFile:
    """Read a whole file.

    Raises:
        UserError: A row is wrong, or there are fewer than two.
    """
    reading = lines(path)
    next(reading, None)
    bars: list[Bar] = []
    for number, line in enumerate(reading, 2):
        if not line:
            continue
        bar = _bar(line)
        if bar is None or (bars and bar.open_ms <= bars[-1].open_ms):
            raise UserError(
                f"market file {path}, line {number}: expected timestamp,open,high,low,close,"
                "volume with rising times and low <= open, close <= high"
            )
        bars.append(bar)
    if len(bars) < 2:  # noqa: PLR2004 - an interval needs two
        raise UserError(f"market file {path} has fewer than two candles")
    # Sparse recordings leave silent intervals out: the interval divides every gap.
    interval_ms = math.gcd(*(later.open_ms - bar.open_ms for bar, later in pairwise(bars)))
    return CandleFile(_listing(path, bars), bars, interval_ms)


def _bar(line: str) -> Bar | None:
    fields = line.split(",")
    if len(fields) != _FIELDS or not fields[0].isdigit():
        return None
    try:
        open_, high, low, close, volume = (Decimal(field) for field in fields[1:])
    except InvalidOperation:
        return None
    if not 0 < low <= min(open_, close) <= max(open_, close) <= high or volume < 0:
        return None
    return Bar(int(fields[0]), open_, high, low, close, volume, (open_ + close) / 2 * volume)


def _listing(path: Path, bars: list[Bar]) -> Listing:
    """Return the symbol's listing, its steps as fine as the file's numbers."""
    found = _SYMBOL.search(path.name)
    symbol = f"{found[1]}/{found[2]}" if found else _DEFAULT_SYMBOL
    prices = min(_exponent(value) for bar in bars for value in (bar.open, bar.high, bar.low))
    prices = min(prices, *(_exponent(bar.close) for bar in bars))
    amounts = min(_exponent(bar.volume) for bar in bars)
    for listing in LISTINGS:
        steps = listing.instrument
        if (
            listing.symbol == symbol
            and _exponent(steps.price_step) <= prices
            and _exponent(steps.amount_step) <= amounts
        ):
            return listing
    # Eight decimals for price times amount, as on the wire.
    amounts = max(min(amounts, -5), -8 - min(prices, 0))
    return make_listing(
        symbol, f"{Decimal(1).scaleb(min(prices, 0)):f}", f"{Decimal(1).scaleb(amounts):f}"
    )


def _exponent(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0
