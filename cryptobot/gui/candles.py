"""A growing run of candles, as plain floats: they are drawn, never reckoned with."""

from bisect import bisect_left
from typing import Final, NamedTuple

from cryptobot.gui.wire_values import Malformed, sequence

LONGEST: Final = 5_000
"""Candles kept of a series; the oldest go first."""

_FIELDS: Final = 6


class CandleRow(NamedTuple):
    """A candle; ``open_s`` is its opening in seconds since the epoch."""

    open_s: float
    open: float
    high: float
    low: float
    close: float
    volume: float


class CandleSeries:
    """Candles by rising time, one for each opening time."""

    def __init__(self) -> None:
        self.rows: list[CandleRow] = []

    def put(self, data: object) -> None:
        """Take ``[open_ms, o, h, l, c, v]``: a new candle, or newer numbers of a known one.

        Raises:
            Malformed: It is not such a list.
        """
        fields = sequence(data, "candle")
        if len(fields) < _FIELDS:
            raise Malformed(f"candle has {len(fields)} fields, not {_FIELDS}")
        try:
            numbers = [
                float(value) for value in fields[:_FIELDS] if isinstance(value, str | int | float)
            ]
            row = CandleRow(numbers[0] / 1000, *numbers[1:])
        except (ValueError, TypeError):
            raise Malformed(f"candle is not six numbers: {str(fields)[:80]}") from None
        if not self.rows or row.open_s > self.rows[-1].open_s:
            self.rows.append(row)
            if len(self.rows) > LONGEST:
                del self.rows[: LONGEST // 10]
            return
        at = bisect_left(self.rows, row.open_s, key=lambda known: known.open_s)
        if self.rows[at].open_s == row.open_s:
            self.rows[at] = row
        else:
            self.rows.insert(at, row)
