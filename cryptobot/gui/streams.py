"""What the state of the engine's streams means. Pure.

A market stream that is silent is trouble. A stream of our own orders is silent whenever nothing
trades, and has never spoken before the first order: neither is.

=========  ==================  =============================  =====================
stream     connected           connected and silent too long  never spoke
=========  ==================  =============================  =====================
of market  fine                trouble                        trouble, once settled
of ours    fine                fine                           fine
=========  ==================  =============================  =====================

Settled is an engine that has run for ``SETTLED_AFTER_S``: candles come every two seconds at best.
One that spoke and is not connected now is trouble, whatever it carries.
"""

from collections.abc import Mapping
from typing import Final

from cryptobot.gui import figures

SILENT_AFTER_MS: Final[Mapping[str, float]] = {
    "book": 5_000.0,
    "candles": 15_000.0,
    "trades": 120_000.0,
}
"""The market's streams, and how long each may be silent; all others are of our own orders."""

SETTLED_AFTER_S: Final = 10.0

_Streams = Mapping[str, tuple[bool, float | None]]


def troubled(streams: _Streams, uptime_s: float) -> tuple[str, ...]:
    """Return what is wrong with ``streams``, one entry for each that needs attention."""
    settled = uptime_s > SETTLED_AFTER_S
    down = [
        name
        for name, (up, age) in streams.items()
        if not up and (age is not None or (settled and name in SILENT_AFTER_MS))
    ]
    if len(down) > 1:
        return (f"{len(down)} down",)
    silent = [
        f"{name} {figures.milliseconds(age)}"
        for name, (up, age) in streams.items()
        if up and age is not None and age > SILENT_AFTER_MS.get(name, float("inf"))
    ]
    return (*(f"{name} down" for name in down), *silent)


def describe(streams: _Streams) -> str:
    """Return the streams in a word while all is well."""
    up = sum(connected for connected, _ in streams.values())
    return f"{up} up" if up else figures.NONE


def told(streams: _Streams) -> str:
    """Return every stream in a line, for the tooltip."""
    return "\n".join(f"{name}: {_state(name, *streams[name])}" for name in streams)


def _state(name: str, up: bool, age: float | None) -> str:
    if age is None:
        return "nothing yet" if name in SILENT_AFTER_MS else "nothing yet (nothing has traded)"
    return f"{'connected' if up else 'DOWN'}, last message {figures.milliseconds(age)} ago"
