"""A record of the log pane."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from cryptobot.gui.reported import instant
from cryptobot.gui.wire_values import Malformed, mapping, optional_text

LEVELS = ("debug", "info", "warning", "error", "critical")
"""From chatter to trouble."""

_SHOWN_ELSEWHERE = frozenset({"ts", "level", "logger", "event", "dropped"})
_LAST = ("orderId", "requestId", "clientOrderId", "version", "pid")
"""Long, or the same in every line: behind what a person reads first."""

_LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One line: ``severity`` is the index in ``LEVELS``; ``at`` is seconds since the epoch."""

    at: float
    severity: int
    logger: str
    event: str
    fields: str

    @property
    def level(self) -> str:
        """The level's name."""
        return LEVELS[self.severity]

    @classmethod
    def from_wire(cls, data: object, now: float) -> "LogRecord":
        """Return the record of the ``log`` topic; ``now`` stands in for an unreadable time.

        Raises:
            Malformed: It is not an object.
        """
        source = mapping(data, "log record")
        try:
            at = instant(optional_text(source, "ts") or "")
        except Malformed:
            at = now
        level = (optional_text(source, "level") or "info").lower()
        return cls(
            at=at,
            severity=LEVELS.index(level) if level in LEVELS else LEVELS.index("info"),
            logger=optional_text(source, "logger") or "engine",
            event=_one_line(optional_text(source, "event") or ""),
            fields=_fields(source),
        )

    @classmethod
    def here(cls, level: str, event: str, at: float) -> "LogRecord":
        """Return a record of the window's own."""
        return cls(at, LEVELS.index(level), "window", _one_line(event), "")


def _fields(source: Mapping[str, object]) -> str:
    keys = [key for key in source if key not in _SHOWN_ELSEWHERE and key not in _LAST]
    keys += [key for key in _LAST if key in source]
    shown = []
    for key in keys:
        value = source[key]
        shown.append(f"{key}={value if isinstance(value, str) else json.dumps(value)}")
    return _one_line("  ".join(shown))


def _one_line(value: str) -> str:
    line = " ".join(value.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}... ({len(line):,} characters)"
