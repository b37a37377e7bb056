"""Time comes in from outside: the seam through which tests and replays move it."""

import time
from datetime import UTC, datetime
from typing import Final, Protocol

NS_PER_S: Final = 1_000_000_000


class Clock(Protocol):
    """A source of wall-clock and monotonic time, both in nanoseconds."""

    def now_ns(self) -> int:
        """Return UTC time as nanoseconds since the epoch. It may step backwards."""
        ...

    def monotonic_ns(self) -> int:
        """Return nanoseconds of a clock that never steps; only differences mean something."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now_ns(self) -> int:
        """Return UTC nanoseconds since the epoch."""
        return time.time_ns()

    def monotonic_ns(self) -> int:
        """Return the machine's monotonic clock in nanoseconds."""
        return time.monotonic_ns()


def iso(ns: int) -> str:
    """Return ``ns`` since the epoch as ISO 8601 UTC with microseconds."""
    stamp = datetime.fromtimestamp(ns // NS_PER_S, UTC)
    return f"{stamp:%Y-%m-%dT%H:%M:%S}.{ns % NS_PER_S // 1000:06d}Z"
