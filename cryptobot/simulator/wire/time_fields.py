"""Which fields of answers and events are times, for an exchange whose clock is wrong."""

TIME_FIELDS = frozenset(
    {
        "time", "updateTime", "transactTime", "workingTime", "openTime", "closeTime",
        "E", "T", "O", "W", "C", "t", "u",
    }
)  # fmt: skip
"""Some of these names are numbers elsewhere (``t`` of a trade, ``u`` of a depth update).

``serverTime`` is not among them: it is made from the wrong clock already.
"""

_FIRST_TIME = 10**12
"""Milliseconds of 2001: no id or update number here gets that far."""


def shifted(value: object, by_ms: int) -> object:
    """Return an answer or event with all its times moved; rows of candles stay on their grid."""
    if isinstance(value, list):
        return [shifted(item, by_ms) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: part + by_ms
        if name in TIME_FIELDS and isinstance(part, int) and part >= _FIRST_TIME
        else shifted(part, by_ms)
        for name, part in value.items()
    }
