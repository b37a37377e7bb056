"""The life of one websocket, whatever is spoken on it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiohttp import WSCloseCode, WSMsgType, web

from cryptobot.simulator.streams.connection import Connection

_MAX_MESSAGE_BYTES = 1 << 20


class Sockets:
    """Every open websocket, so that all can be closed at the end."""

    def __init__(self) -> None:
        self._open: set[Connection] = set()

    @property
    def count(self) -> int:
        """How many are open."""
        return len(self._open)

    async def serve(
        self,
        request: web.Request,
        receive: Callable[[Connection, str], Awaitable[None]],
        *,
        opened: Callable[[Connection], None] | None = None,
        combined: bool = False,
    ) -> web.WebSocketResponse:
        """Speak on one socket until it closes.

        Args:
            request: The upgrade.
            receive: Called with every text message.
            opened: Called once when the socket is up.
            combined: See ``Connection``.
        """
        socket = web.WebSocketResponse(
            autoping=False, compress=False, max_msg_size=_MAX_MESSAGE_BYTES
        )
        await socket.prepare(request)
        connection = Connection(socket, request.transport, combined=combined)
        self._open.add(connection)
        writer = asyncio.create_task(connection.write())
        try:
            if opened is not None:
                opened(connection)
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await receive(connection, message.data)
                elif message.type is WSMsgType.PING:
                    await connection.answer_ping(message)
                else:
                    connection.heard(message)
        finally:
            self._open.discard(connection)
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
