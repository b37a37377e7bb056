"""The latest requests, bounded."""

from collections import deque
from dataclasses import asdict, dataclass

_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class RequestLine:
    """One request.

    Attributes:
        received_ns: By the machine's UTC clock.
        duration_us: Until the answer was ready, microseconds.
        code: Binance's error code, ``None`` when all went well.
    """

    received_ns: int
    method: str
    path: str
    status: int
    duration_us: int
    code: int | None


class RequestLog:
    """Keeps the latest 20,000 requests."""

    def __init__(self) -> None:
        self._lines: deque[RequestLine] = deque(maxlen=_KEPT)
        self.total = 0

    def add(self, line: RequestLine) -> None:
        """Keep a line."""
        self.total += 1
        self._lines.append(line)

    def since(self, since_ns: int) -> list[dict[str, object]]:
        """Return the lines received at or after ``since_ns``, oldest first."""
        return [asdict(line) for line in self._lines if line.received_ns >= since_ns]
