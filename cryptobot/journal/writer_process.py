"""The process that writes the journal: records come in on its standard input, a socket.

It is a process of its own so that neither SQLite nor the disk ever holds up the engine's loop: a
thread would share the interpreter lock with it. It ends when the engine does, after it has
committed all that it was given, and until then keeps open the files that the engine handed down,
the instance lock among them: no other engine reads the journal before this one is done with it.
"""

import os
import signal
import socket
import time
from collections.abc import Sequence
from itertools import chain, repeat
from typing import Any, Final, NamedTuple

from cryptobot.journal.committer import Committer, Lost, Message, Well
from cryptobot.journal.database import Database
from cryptobot.journal.frames import Frames, frame

_CHUNK: Final = 1 << 20


class Opening(NamedTuple):
    """The first message: what to write to, and how.

    Attributes:
        lost: Why the database is taken for lost, so that it is tried before anything is taken;
            empty at the first start, when it was just migrated.
    """

    url: str
    busy_timeout_ms: int
    retry_after_s: tuple[float, ...]
    lost: str = ""


class Inbox:
    """Messages from the engine."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._frames = Frames()
        self.ended = False
        """Whether the engine has closed its end, or is gone."""

    def take(self, wait_s: float | None = None) -> list[Any]:
        """Return what has arrived; wait for the first, but no longer than ``wait_s`` seconds."""
        self._connection.settimeout(wait_s)
        while True:
            try:
                data = self._connection.recv(_CHUNK)
            except TimeoutError:
                return []
            except ConnectionError:
                data = b""
            if not data:
                self.ended = True
                return []
            if messages := self._frames.feed(data):
                return messages


class WriterProcess:
    """Commits what comes, answers each after its commit, and retries a lost database by itself.

    Args:
        connection: To the engine.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._inbox = Inbox(connection)

    def run(self) -> None:
        """Work until the engine closes its end."""
        messages = self._inbox.take()
        if not messages:
            return
        opening: Opening = messages.pop(0)
        committer = Committer(Database.open(opening.url, opening.busy_timeout_ms))
        if opening.lost:
            committer.reason = opening.lost
            self._recover(committer, opening.retry_after_s, at_once=True)
        else:
            committer.connect()
            self._tell([Well()])
        while messages or not self._inbox.ended:
            told = committer.commit(messages) if messages else []
            self._tell(told)
            if any(isinstance(message, Lost) for message in told):
                self._recover(committer, opening.retry_after_s)
            messages = [] if self._inbox.ended else self._inbox.take()
        committer.disconnect()

    def _recover(
        self, committer: Committer, retry_after_s: Sequence[float], *, at_once: bool = False
    ) -> None:
        """Try until the database takes writes again; what comes meanwhile is refused."""
        told = committer.reason
        waits = chain([0.0] if at_once else [], retry_after_s, repeat(retry_after_s[-1]))
        for wait_s in waits:
            until = time.monotonic() + wait_s
            while (left := until - time.monotonic()) > 0 and not self._inbox.ended:
                if items := self._inbox.take(left):
                    self._tell([committer.refuse(len(items))])
            if self._inbox.ended:
                return
            if committer.recovered():
                self._tell([Well()])
                return
            if committer.reason != told:
                told = committer.reason
                self._tell([Lost(told)])

    def _tell(self, messages: Sequence[Message]) -> None:
        try:
            self._connection.settimeout(None)
            self._connection.sendall(b"".join(map(frame, messages)))
        except ConnectionError:
            pass  # the engine is gone, but what it gave is still to be committed


def main() -> None:
    """Run on standard input."""
    # A Ctrl-C or a shutdown reaches every process; this one ends when the engine has.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with socket.socket(fileno=os.dup(0)) as connection:
        WriterProcess(connection).run()


if __name__ == "__main__":
    main()
