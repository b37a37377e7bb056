"""A network in memory: connections that are two ends, and bytes that take virtual time.

An end is an ``asyncio.Transport``, so aiohttp's client and server speak over it as over TCP. Bytes
arrive in order, or never: a connection may be reset, or go dead, in one direction or in both, with
neither end being told.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextvars import Context
from functools import partial
from typing import Any, Final, cast

TCP_GIVES_UP_S: Final = 20.0
"""How long an end of a dead connection takes to notice by itself."""


class End(asyncio.Transport):
    """One end of a connection.

    Args:
        loop: Whose time.
        protocol: Reads here.
        context: In which its callbacks run: that of the process which has it.
        travel_s: Chooses how long what is written takes to the other end.
    """

    other: "End"

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol: asyncio.Protocol,
        context: Context,
        travel_s: Callable[[], float],
    ) -> None:
        super().__init__({"peername": ("127.0.0.1", 443), "sockname": ("127.0.0.1", 50_000)})
        self._loop = loop
        self._protocol = protocol
        self._context = context
        self._travel_s = travel_s
        self._coming: deque[Callable[[], None]] = deque()
        self._due = 0
        self._last_s = 0.0
        self._closing = False
        self._paused = False
        self.deaf = False
        """Whether what is sent here is lost, without a word to anybody."""
        self.cut = False
        """Whether the process which has it is gone."""

    def begin(self) -> None:
        """Tell the protocol that the connection is there."""
        self._context.run(self._protocol.connection_made, self)

    # What is on its way here

    def expect(self, wait_s: float, what: Callable[[], None]) -> None:
        """Let something happen here later, and after all that is on its way already."""
        at_s = self._last_s = max(self._last_s, self._loop.time() + wait_s)
        self._coming.append(what)
        self._loop.call_at(at_s, self._arrive, context=self._context)

    def receive(self, data: bytes, on_lost: Callable[[], None] | None = None) -> None:
        """Read bytes; ``on_lost`` is told when nobody does any more."""
        if self._closing or self.cut:
            if on_lost is not None:
                on_lost()
            return
        self._protocol.data_received(data)

    def hang_up(self) -> None:
        """Hear that the other end has closed."""
        if self._closing or self.cut:
            return
        self._protocol.eof_received()
        self.lose(None)

    def lose(self, error: Exception | None) -> None:
        """Lose the connection."""
        if self._closing or self.cut:
            return
        self._closing = True
        self._loop.call_soon(self._lost, error, context=self._context)

    def go_dead(self) -> None:
        """Lose all that is sent here from now on, until this end notices."""
        self.deaf = True
        self._loop.call_later(
            TCP_GIVES_UP_S, self.lose, TimeoutError("timed out"), context=self._context
        )

    def _arrive(self) -> None:
        self._due += 1
        self._read_due()

    def _read_due(self) -> None:
        while self._due and not self._paused:
            self._due -= 1
            self._coming.popleft()()

    def _lost(self, error: Exception | None) -> None:
        if not self.cut:
            self._protocol.connection_lost(error)

    # What leaves from here

    def send(self, wait_s: float, what: Callable[[], None]) -> bool:
        """Let something happen at the other end; return whether it will."""
        if self.cut or self.other.deaf:
            return False
        self.other.expect(wait_s, what)
        return True

    # asyncio.Transport

    def write(self, data: Any) -> None:
        """Send bytes."""
        if not self._closing:
            self.send(self._travel_s(), partial(self.other.receive, bytes(data)))

    def writelines(self, list_of_data: Any) -> None:
        """Send bytes in one piece."""
        self.write(b"".join(list_of_data))

    def close(self) -> None:
        """Close it once what was written is out."""
        if self._closing:
            return
        self.send(self._travel_s(), self.other.hang_up)
        self.lose(None)

    def abort(self) -> None:
        """Reset it."""
        if self._closing:
            return
        self.send(self._travel_s(), partial(self.other.lose, ConnectionResetError("reset")))
        self.lose(None)

    def is_closing(self) -> bool:
        """Whether it is closed or about to be."""
        return self._closing

    def pause_reading(self) -> None:
        """Leave what comes unread."""
        self._paused = True

    def resume_reading(self) -> None:
        """Read again."""
        self._paused = False
        self._loop.call_soon(self._read_due, context=self._context)

    def is_reading(self) -> bool:
        """Whether it reads."""
        return not self._paused

    def get_write_buffer_size(self) -> int:
        """Return 0: what is written is on its way at once."""
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Do nothing: nothing is buffered."""

    def can_write_eof(self) -> bool:
        """Return ``False``: HTTP needs no half-closed connections."""
        return False

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Let another protocol read here."""
        self._protocol = cast("asyncio.Protocol", protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return who reads here."""
        return self._protocol


def join(one: End, other: End) -> None:
    """Make two ends a connection, and tell both protocols."""
    one.other, other.other = other, one
    other.begin()
    one.begin()
