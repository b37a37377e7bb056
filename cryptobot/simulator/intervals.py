"""Binance's kline intervals and where their bars open."""

from datetime import UTC, datetime

_SECOND = 1_000
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR

FIXED_MS: dict[str, int] = {
    "1s": _SECOND,
    "1m": _MINUTE,
    "3m": 3 * _MINUTE,
    "5m": 5 * _MINUTE,
    "15m": 15 * _MINUTE,
    "30m": 30 * _MINUTE,
    "1h": _HOUR,
    "2h": 2 * _HOUR,
    "4h": 4 * _HOUR,
    "6h": 6 * _HOUR,
    "8h": 8 * _HOUR,
    "12h": 12 * _HOUR,
    "1d": _DAY,
    "3d": 3 * _DAY,
    "1w": 7 * _DAY,
}
_MONTH = "1M"
INTERVALS = (*FIXED_MS, _MONTH)
_FIRST_MONDAY_MS = 4 * _DAY
_DECEMBER = 12


def open_of(interval: str, at_ms: int) -> int:
    """Return when the bar of ``interval`` that holds ``at_ms`` opens, UTC milliseconds."""
    if interval == _MONTH:
        at = datetime.fromtimestamp(at_ms / 1000, UTC)
        return int(datetime(at.year, at.month, 1, tzinfo=UTC).timestamp() * 1000)
    length = FIXED_MS[interval]
    offset = _FIRST_MONDAY_MS if interval == "1w" else 0
    return at_ms - (at_ms - offset) % length


def end_of(interval: str, open_ms: int) -> int:
    """Return when the next bar opens, UTC milliseconds."""
    if interval == _MONTH:
        at = datetime.fromtimestamp(open_ms / 1000, UTC)
        year, month = (at.year + 1, 1) if at.month == _DECEMBER else (at.year, at.month + 1)
        return int(datetime(year, month, 1, tzinfo=UTC).timestamp() * 1000)
    return open_ms + FIXED_MS[interval]
