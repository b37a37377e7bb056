"""What happened in a run, in order, and the fingerprint by which two runs are the same."""

from collections import deque
from collections.abc import Callable
from hashlib import blake2b

KEPT = 400


class Trace:
    """Takes events at the edges of the program: what the world saw.

    Args:
        time_s: Tells the virtual time.
        echo: Gets every line as it comes.
    """

    def __init__(self, time_s: Callable[[], float], echo: Callable[[str], None] | None) -> None:
        self._time_s = time_s
        self._echo = echo
        self._hash = blake2b(digest_size=16)
        self._last: deque[str] = deque(maxlen=KEPT)

    def add(self, what: str) -> None:
        """Note an event."""
        line = f"{self._time_s():10.6f} {what}"
        self._hash.update(line.encode())
        self._last.append(line)
        self.note(what)

    def note(self, what: str) -> None:
        """Print what is no event, such as a log line."""
        if self._echo is not None:
            self._echo(f"{self._time_s():10.6f} {what}")

    def last(self, count: int = KEPT) -> list[str]:
        """Return the latest events, oldest first."""
        return list(self._last)[-count:]

    @property
    def fingerprint(self) -> str:
        """A digest of everything so far."""
        return self._hash.hexdigest()
