"""The life of one websocket, whatever is spoken on it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress

from aiohttp import WSCloseCode, WSMsgType, web

from cryptobot.domain.clock import Clock
from cryptobot.simulator.faults.occasion import Channel
from cryptobot.simulator.streams.connection import Connection
from cryptobot.simulator.window import CountWindow

_MAX_MESSAGE_BYTES = 1 << 20


class Sockets:
    """Every open websocket, in the order in which they opened.

    Args:
        clock: Counts what a client says in a second.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: dict[Connection, None] = {}

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._open))

    @property
    def count(self) -> int:
        """How many are open."""
        return len(self._open)

    async def serve(
        self,
        request: web.Request,
        receive: Callable[[Connection, str], Awaitable[None]],
        *,
        channel: Channel,
        opened: Callable[[Connection], None] | None = None,
        messages_a_second: int | None = None,
        combined: bool = False,
    ) -> web.WebSocketResponse:
        """Speak on one socket until it closes.

        Args:
            request: The upgrade.
            receive: Called with every text message.
            channel: What it carries.
            opened: Called once when the socket is up.
            messages_a_second: A client that says more is cut; ``None``: without limit.
            combined: See ``Connection``.
        """
        socket = web.WebSocketResponse(
            autoping=False, compress=False, max_msg_size=_MAX_MESSAGE_BYTES
        )
        await socket.prepare(request)
        connection = Connection(socket, request.transport, channel, combined=combined)
        self._open[connection] = None
        said = CountWindow(1)
        writer = asyncio.create_task(connection.write())
        try:
            if opened is not None:
                opened(connection)
            async for message in socket:
                spoken = said.add(self._clock.now_ns())
                if messages_a_second is not None and spoken > messages_a_second:
                    await connection.close(WSCloseCode.POLICY_VIOLATION, b"Too many requests")
                    break
                if connection.is_mute:
                    continue
                if message.type is WSMsgType.TEXT:
                    await receive(connection, message.data)
                elif message.type is WSMsgType.PING:
                    await connection.answer_ping(message)
                else:
                    connection.heard(message)
        finally:
            self._open.pop(connection, None)
            writer.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                await writer
        return socket

    async def close_all(self) -> None:
        """Say goodbye on every socket."""
        await asyncio.gather(
            *(
                connection.close(WSCloseCode.GOING_AWAY, b"Server shutdown")
                for connection in list(self._open)
            ),
            return_exceptions=True,
        )
