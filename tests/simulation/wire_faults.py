"""What a weather means at the simulated exchange: a table from what goes wrong to its faults.

What goes wrong on the way there is ``way.py``'s.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from cryptobot.simulator.faults.description import Fault
from cryptobot.simulator.faults.reading import read_faults

from .scenario import Spell
from .weather import WEATHERS, Weather, WriteFault

_F = WriteFault
WRITES: Final = {"operation": ["place_order", "cancel_order"], "channel": "rest"}
READS: Final = {"operation": ["any_read"], "channel": "rest"}
USER: Final = {"channel": "user"}
BAN: Final = {"kind": "ban", "ban_s": 3}
LIMIT: Final = {"kind": "rate_limit", "retry_after_s": 1}
REFUSED: Final = {
    "code": -2010,
    "msg": "Account has insufficient balance for requested action.",
    "status": 400,
}

OF_WRITES: Final[dict[WriteFault, tuple[dict[str, Any], ...]]] = {
    _F.REPLY_LOST: (
        {"kind": "hang"},
        {"kind": "reset"},
        {"kind": "reply", "status": 502, "body": "<html>502 Bad Gateway</html>"},
        {"kind": "reply", "status": 503, "code": -1007, "msg": "Timeout waiting for response"},
        {"kind": "reply", "status": 400, "code": -1006, "msg": "An unexpected response"},
        {"kind": "html", "status": 403},
        {"kind": "html", "status": 401},
        {"kind": "html", "status": 404},
        {"kind": "html", "status": 520},
    ),
    _F.GARBLED: (
        {"kind": "truncate"},
        {"kind": "short_body"},
        {"kind": "empty_body"},
        {"kind": "html"},
        {"kind": "corrupt_gzip"},
        {"kind": "wrong_length"},
        {"kind": "wrong_length", "by": -20},
        {"kind": "patch", "fields": {"orderId": None}},
        {"kind": "patch", "fields": {"status": "NEVER_HEARD"}},
        {"kind": "patch", "fields": {"executedQty": "x", "fills": "?"}},
        {"kind": "reply", "status": 200, "body": {}},
    ),
    _F.BARE: ({"kind": "ack_only"},),
    _F.BUSY: (LIMIT, BAN),
    _F.REFUSED: ({"kind": "reply", "when": "before", **REFUSED},),
    _F.FAILED: (
        {"kind": "reply", "when": "before", "status": 503},
        {"kind": "reply", "when": "before", "status": 504, "body": "<html>504</html>"},
        {"kind": "close", "when": "before"},
    ),
}
"""Faults of a write, each as likely as the others of its row. The rest happens on the way."""

OF_READS: Final = (
    {"kind": "reply", "status": 503},
    {"kind": "reset"},
    {"kind": "hang"},
    {"kind": "truncate"},
    {"kind": "html"},
)


def faults_of(spells: Iterable[Spell]) -> tuple[Fault, ...]:
    """Return the faults of a run, counted from when they are set."""
    return tuple(
        fault
        for spell in spells
        for fault in read_faults(
            [
                {"after_s": spell.begins_s, "for_s": spell.ends_s - spell.begins_s, **one}
                for one in _of(WEATHERS[spell.name])
            ]
        )
    )


def _of(weather: Weather) -> Iterator[dict[str, Any]]:
    for write_fault, probability in weather.writes.items():
        yield from _each(OF_WRITES.get(write_fault, ()), probability, WRITES)
    yield from _each(OF_READS, weather.read_fails, READS)
    yield from _each((LIMIT, BAN), weather.limited, READS)
    if weather.lag_s:
        yield {"kind": "stale", "lag_ms": int(weather.lag_s * 1000)}
    if weather.slow_s:
        slow = {"delay_ms": 0, "jitter_ms": weather.slow_s * 1000}
        yield {"kind": "delay", "match": {"channel": "rest"}, **slow}
    yield from _each(({"kind": "drop"},), weather.dropped, USER)
    yield from _each(({"kind": "duplicate"},), weather.doubled, USER)
    late = ({"kind": "delay", "delay_ms": 100, "jitter_ms": 1100}, {"kind": "reorder"})
    yield from _each(late, weather.delayed, USER)
    for channel in ("ws_api",) * weather.deaf + ("market",) * weather.silent:
        yield {"kind": "reset", "match": {"channel": channel}}
        yield {"kind": "refuse_connect", "status": 503, "match": {"channel": channel}}


def _each(
    kinds: tuple[dict[str, Any], ...], probability: float, match: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield faults of which at most one fires at an occasion, each with its part of it.

    The plan asks one after the other; those behind are asked only when none before has fired.
    """
    left = 1.0
    for kind in kinds:
        part = probability / len(kinds)
        if part:
            yield {"match": match, "probability": min(1.0, part / left), **kind}
        left = max(left - part, 1e-9)
