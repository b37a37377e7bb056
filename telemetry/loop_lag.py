"""The program's pulse: a heartbeat on the event loop that measures how late it is woken."""

import asyncio
from collections import deque
from typing import Final

from telemetry.clock import NS_PER_S, Clock, SystemClock
from telemetry.metrics import Metrics

INTERVAL_S: Final = 0.25
_REMEMBERED: Final = 240  # beats: a minute


class LoopLag:
    """Measures the event loop's lag into the metrics, and shows that the program is alive.

    Args:
        metrics: Gets ``event_loop_lag_seconds`` and ``heartbeat_timestamp_seconds``.
        clock: Its monotonic time is measured.
        interval_s: Between beats.
    """

    def __init__(
        self, metrics: Metrics, clock: Clock | None = None, interval_s: float = INTERVAL_S
    ) -> None:
        self._process = metrics.process
        self._clock = clock or SystemClock()
        self._interval_s = interval_s
        self._lags: deque[float] = deque(maxlen=_REMEMBERED)

    @property
    def worst_s(self) -> float:
        """The greatest lag of the last minute, in seconds."""
        return max(self._lags, default=0.0)

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            before = self._clock.monotonic_ns()
            self._process.heartbeat()
            await asyncio.sleep(self._interval_s)
            self.record(self._clock.monotonic_ns() - before)

    def record(self, elapsed_ns: int) -> None:
        """Take in how long a sleep of one interval took."""
        lag = max(0.0, elapsed_ns / NS_PER_S - self._interval_s)
        self._lags.append(lag)
        self._process.loop_lag(lag)
