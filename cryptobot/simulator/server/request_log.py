"""The latest requests, bounded."""

import time
from collections import deque
from dataclasses import asdict, dataclass, field

_KEPT = 20_000


@dataclass(slots=True)
class RequestLine:
    """One request, kept from the moment it was read off the wire.

    Attributes:
        received_ns: By the machine's UTC clock.
        method: HTTP verb, or ``WS`` for a request on the ws-api.
        path: Path, or the ws-api's method.
        status: ``None`` while it has no answer; 0 when it never got one.
        duration_us: Until the answer was ready, microseconds; ``None`` before.
        code: Binance's error code, ``None`` when all went well.
        faults: Ids of the faults that fired.
    """

    received_ns: int
    method: str
    path: str
    started_ns: int
    status: int | None = None
    duration_us: int | None = None
    code: int | None = None
    faults: list[str] = field(default_factory=list)

    def end(self, status: int, code: int | None) -> None:
        """Write down the answer."""
        self.status, self.code = status, code
        self.duration_us = (time.perf_counter_ns() - self.started_ns) // 1000

    def describe(self) -> dict[str, object]:
        """Return the line for the admin interface."""
        described = asdict(self)
        del described["started_ns"]
        return described


class RequestLog:
    """Keeps the latest 20,000 requests, in the order in which they came."""

    def __init__(self) -> None:
        self._lines: deque[RequestLine] = deque(maxlen=_KEPT)
        self.total = 0

    def begin(self, method: str, path: str) -> RequestLine:
        """Keep a line of a request that was just read."""
        line = RequestLine(time.time_ns(), method, path, time.perf_counter_ns())
        self.keep(line)
        return line

    def keep(self, line: RequestLine) -> None:
        """Keep a line."""
        self.total += 1
        self._lines.append(line)

    def since(self, since_ns: int) -> list[dict[str, object]]:
        """Return the lines received at or after ``since_ns``, oldest first."""
        return [line.describe() for line in self._lines if line.received_ns >= since_ns]
