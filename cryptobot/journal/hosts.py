"""Where commits are made: in a process beside the engine, or right here."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

import cryptobot
from cryptobot.domain.errors import JournalUnavailable
from cryptobot.journal.batch import Item
from cryptobot.journal.committer import Answers, Committer, Lost, Message, Well
from cryptobot.journal.database import Database
from cryptobot.journal.frames import Frames, frame
from cryptobot.journal.writer_process import Opening

GATHER_S: Final = 0.002
"""How long records that nobody waits for are gathered: to wake the other process takes longer than
all else there is to do when an exchange answers, and the answer waits for it."""

_CHUNK: Final = 1 << 18
_CODE: Final = str(Path(cryptobot.__file__).parents[1])

Tell = Callable[[Message], None]


class Host(Protocol):
    """Commits what it is given, in that order, and answers in that order, on the event loop."""

    async def start(self, tell: Tell) -> None:
        """Begin, and return when it can commit; ``tell`` hears everything from then on.

        The schema must be there. Raises ``JournalUnavailable``.
        """
        ...

    def give(self, item: Item, *, urgent: bool) -> None:
        """Commit ``item`` after all that was given before. Never waits.

        Args:
            item: The record.
            urgent: Whether somebody waits for it; if not, it may be gathered for a moment.
        """
        ...

    async def close(self) -> None:
        """Answer all that was given, and end."""
        ...


class InlineHost:
    """Commits on the event loop, which waits for the disk meanwhile.

    For simulations, in whose virtual time a disk must take none, and for tests.
    """

    def __init__(self, database: Database, retry_after_s: Sequence[float]) -> None:
        self._committer = Committer(database)
        self._retry_after_s = tuple(retry_after_s)
        self._items: list[Item] = []
        self._tell: Tell = lambda _: None
        self._retry: asyncio.TimerHandle | None = None

    async def start(self, tell: Tell) -> None:
        """Begin."""
        self._tell = tell

    def give(self, item: Item, *, urgent: bool) -> None:  # noqa: ARG002 - a turn is no time
        """Commit with all else that is given in this turn of the loop."""
        self._items.append(item)
        if len(self._items) == 1:
            asyncio.get_running_loop().call_soon(self._commit)

    async def close(self) -> None:
        """Commit the rest and let go of the database."""
        self._commit()
        if self._retry is not None:
            self._retry.cancel()
        self._committer.disconnect()

    def _commit(self) -> None:
        items, self._items = self._items, []
        for message in self._committer.commit(items):
            self._tell(message)
            if isinstance(message, Lost):
                self._try_again(0)

    def _try_again(self, attempt: int) -> None:
        wait_s = self._retry_after_s[min(attempt, len(self._retry_after_s) - 1)]
        self._retry = asyncio.get_running_loop().call_later(wait_s, self._probe, attempt)

    def _probe(self, attempt: int) -> None:
        told = self._committer.reason
        if self._committer.recovered():
            self._tell(Well())
            return
        if self._committer.reason != told:
            self._tell(Lost(self._committer.reason))
        self._try_again(attempt + 1)


class ProcessHost:
    """Commits in a process of its own, and starts another when that one dies.

    Args:
        opening: What the process writes to.
        keep_open: File descriptors that it holds until all is committed.
    """

    def __init__(self, opening: Opening, keep_open: Sequence[int] = ()) -> None:
        self._opening = opening
        self._keep_open = tuple(keep_open)
        self._tell: Tell = lambda _: None
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._frames = Frames()
        self._unsent = bytearray()
        self._gathering: asyncio.TimerHandle | None = None
        self._blocked = False
        self._unanswered = 0
        self._deaths = 0
        self._restart: asyncio.TimerHandle | None = None
        self._reaping: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()
        self._closing = False

    @property
    def pid(self) -> int | None:
        """The process's id while there is one."""
        return None if self._process is None else self._process.pid

    async def start(self, tell: Tell) -> None:
        """Start the process and wait until it is connected."""
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def first(message: Message) -> None:
            if ready.done():
                return
            if isinstance(message, Lost):
                ready.set_exception(JournalUnavailable(message.reason))
            else:
                ready.set_result(None)

        self._tell = first
        self._launch(self._opening)
        await ready
        self._tell = tell

    def give(self, item: Item, *, urgent: bool) -> None:
        """Hand ``item`` over: at once if it is urgent, else within ``GATHER_S``."""
        self._unanswered += 1
        if self._socket is None:
            return  # the process died; its end has been, or is being, told
        self._unsent += frame(item)
        if self._blocked:
            return
        if urgent:
            self._send()
        elif self._gathering is None:
            self._gathering = asyncio.get_running_loop().call_later(GATHER_S, self._send)

    async def close(self) -> None:
        """Let the process commit what it was given, and wait for its end."""
        self._closing = True
        if self._restart is not None:
            self._restart.cancel()
        if self._socket is not None:
            self._send()
            await self._ended.wait()
        if self._reaping is not None:
            await self._reaping

    def _launch(self, opening: Opening) -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)  # noqa: FBT003 - the socket's own signature
        kept = {name: text for name, text in os.environ.items() if name[:10] != "CRYPTOBOT_"}
        paths = [_CODE, *filter(None, [kept.get("PYTHONPATH")])]
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "cryptobot.journal.writer_process"],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                pass_fds=self._keep_open,
                env=kept | {"PYTHONPATH": os.pathsep.join(paths)},
            )
        self._socket = ours
        self._ended.clear()
        self._frames = Frames()
        asyncio.get_running_loop().add_reader(ours, self._readable)
        self._unsent += frame(opening)
        self._send()

    def _send(self) -> None:
        assert self._socket is not None  # noqa: S101 - its timer and its writer end with it
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        try:
            del self._unsent[: self._socket.send(self._unsent)]
        except BlockingIOError:
            pass
        except OSError:  # it died; reading tells
            self._unsent.clear()
        blocked = bool(self._unsent)
        if blocked != self._blocked:
            self._blocked = blocked
            loop = asyncio.get_running_loop()
            if blocked:
                loop.add_writer(self._socket, self._send)
            else:
                loop.remove_writer(self._socket)
        if self._closing and not blocked:
            self._socket.shutdown(socket.SHUT_WR)

    def _readable(self) -> None:
        assert self._socket is not None  # noqa: S101 - the reader is removed with it
        try:
            data = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._on_end()
            return
        for message in self._frames.feed(data):
            if isinstance(message, Answers):
                self._unanswered -= len(message.outcomes)
            elif isinstance(message, Well):
                self._deaths = 0
            self._tell(message)

    def _on_end(self) -> None:
        assert self._socket is not None  # noqa: S101 - as above
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._socket)
        if self._blocked:
            loop.remove_writer(self._socket)
            self._blocked = False
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        self._unsent.clear()
        self._socket.close()
        self._socket = None
        self._reaping = loop.create_task(self._reap(), name="journal-writer-end")

    async def _reap(self) -> None:
        assert self._process is not None  # noqa: S101 - it was started
        code = await asyncio.to_thread(self._process.wait)
        self._process = None
        if not self._closing or self._unanswered:
            reason = f"the process that writes the journal ended by itself (exit {code})"
            self._tell(Lost(reason))
            lost, self._unanswered = self._unanswered, 0
            self._tell(Answers([JournalUnavailable(reason) for _ in range(lost)]))
            if not self._closing:
                waits = self._opening.retry_after_s
                wait_s = waits[min(self._deaths, len(waits) - 1)]
                self._deaths += 1
                opening = self._opening._replace(lost=reason)
                self._restart = asyncio.get_running_loop().call_later(wait_s, self._launch, opening)
        self._ended.set()
