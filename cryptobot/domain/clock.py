"""Time comes in from outside, so that a simulated day runs in a second and replays exactly."""

import time
from datetime import UTC, datetime
from typing import Protocol

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000


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


class ManualClock:
    """A clock that moves only when told to: for replays and tests."""

    def __init__(self, now_ns: int = 1_700_000_000 * NS_PER_S) -> None:
        self._now_ns = now_ns
        self._monotonic_ns = 0

    def now_ns(self) -> int:
        """Return the set time."""
        return self._now_ns

    def monotonic_ns(self) -> int:
        """Return the time advanced so far."""
        return self._monotonic_ns

    def advance(self, ns: int) -> None:
        """Move both clocks ``ns`` nanoseconds forward."""
        self._now_ns += ns
        self._monotonic_ns += ns

    def set(self, now_ns: int) -> None:
        """Step the wall clock to ``now_ns``; the monotonic clock follows forward steps only."""
        self._monotonic_ns += max(0, now_ns - self._now_ns)
        self._now_ns = now_ns


def iso(ns: int) -> str:
    """Return ``ns`` since the epoch as ISO 8601 UTC with milliseconds (``...T12:00:00.123Z``)."""
    stamp = datetime.fromtimestamp(ns // NS_PER_S, UTC)
    return f"{stamp:%Y-%m-%dT%H:%M:%S}.{ns % NS_PER_S // NS_PER_MS:03d}Z"


def when(ns: int) -> str:
    """Return ``ns`` since the epoch as a sentence says it: ``2026-01-02 12:00:00 UTC``, rounded up.

    For texts that are kept: seconds that are left are wrong a second later.
    """
    return f"{datetime.fromtimestamp(-(-ns // NS_PER_S), UTC):%Y-%m-%d %H:%M:%S} UTC"
