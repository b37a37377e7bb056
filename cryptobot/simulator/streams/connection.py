"""A websocket that is written to from one queue, pinged, and cut when it cannot keep up."""

import asyncio
from collections import deque

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from cryptobot.simulator.faults.occasion import Channel
from cryptobot.simulator.tcp import reset

PING_EVERY_S = 20.0
PONG_WITHIN_S = 60.0
_MAX_QUEUED = 20_000


class Connection:
    """One client's socket.

    Args:
        socket: Prepared, with ``autoping=False``.
        transport: What carries it.
        channel: ``MARKET``, or ``WS_API`` (which carries the account's events too).
        combined: Whether events are wrapped with the name of their stream.
    """

    def __init__(
        self,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport | None,
        channel: Channel = Channel.MARKET,
        *,
        combined: bool = False,
    ) -> None:
        self.channel = channel
        self.is_mute = False
        self._socket = socket
        self._transport = transport
        self.combined = combined
        self.streams: set[str] = set()
        self._queue: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._last_pong_s = self._loop.time()

    def send(self, message: bytes) -> None:
        """Queue a text frame; a client too slow for its streams is cut."""
        if self.is_mute:
            return
        if len(self._queue) >= _MAX_QUEUED:
            self._queue.clear()
            self.abort()
            return
        self._queue.append(message)
        self._wake.set()

    def mute(self) -> None:
        """Say nothing any more, and stay open: no events, no answers, no pings, no pongs."""
        self.is_mute = True
        self._queue.clear()

    def reset(self) -> None:
        """Cut the connection with a TCP reset."""
        reset(self._transport)

    def abort(self) -> None:
        """Cut the connection without a word."""
        if self._transport is not None:
            self._transport.abort()

    async def close(self, code: int, reason: bytes) -> None:
        """Close the socket with a code and a reason."""
        await self._socket.close(code=code, message=reason)

    def heard(self, message: WSMessage) -> None:
        """Take note of a pong."""
        if message.type is WSMsgType.PONG:
            self._last_pong_s = self._loop.time()

    async def answer_ping(self, message: WSMessage) -> None:
        """Answer a client's ping."""
        if self.is_mute:
            return
        await self._socket.pong(message.data)

    async def write(self) -> None:
        """Send what is queued, and pings, until the socket is closed."""
        next_ping_s = self._loop.time() + PING_EVERY_S
        while not self._socket.closed:
            while self._queue:
                await self._socket.send_frame(self._queue.popleft(), WSMsgType.TEXT)
            self._wake.clear()
            try:
                async with asyncio.timeout_at(next_ping_s):
                    await self._wake.wait()
            except TimeoutError:
                next_ping_s = self._loop.time() + PING_EVERY_S
                if self.is_mute:
                    continue
                if self._loop.time() - self._last_pong_s > PONG_WITHIN_S:
                    await self.close(WSCloseCode.POLICY_VIOLATION, b"Pong timeout")
                    return
                await self._socket.ping()
