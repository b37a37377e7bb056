"""What happened in a run, in order, and the fingerprint by which two runs are the same."""

from collections import deque
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

KEPT = 400


class Trace:
    """Takes events at the edges of the program: what the world saw.

    Args:
        time_s: Tells the virtual time.
        folder: Where the run's files are. Every run has another: the events do not name it.
        echo: Gets every line as it comes.
    """

    def __init__(
        self, time_s: Callable[[], float], folder: Path, echo: Callable[[str], None] | None
    ) -> None:
        self._time_s = time_s
        self._folder = str(folder)
        self._echo = echo
        self._hash = blake2b(digest_size=16)
        self._last: deque[str] = deque(maxlen=KEPT)

    def add(self, what: str) -> None:
        """Note an event."""
        line = self._line(what)
        self._hash.update(line.encode())
        self._last.append(line)
        if self._echo is not None:
            self._echo(line)

    def note(self, what: str) -> None:
        """Print what is no event, such as a log line."""
        if self._echo is not None:
            self._echo(self._line(what))

    def _line(self, what: str) -> str:
        return f"{self._time_s():10.6f} {what.replace(self._folder, 'STATE_DIR')}"

    def last(self, count: int = KEPT) -> list[str]:
        """Return the latest events, oldest first."""
        return list(self._last)[-count:]

    @property
    def fingerprint(self) -> str:
        """A digest of everything so far."""
        return self._hash.hexdigest()
