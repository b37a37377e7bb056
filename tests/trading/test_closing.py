"""Closing the client while the exchange's machine is gone and its connections look open."""

import asyncio
import base64
import hashlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import pytest

from cryptobot.domain.clock import SystemClock
from cryptobot.simulator.server.tls import make_tls
from cryptobot.trading.exchange_client import ExchangeClient, ExchangeConfig

HOSTS = ("api.binance.com", "stream.binance.com", "ws-api.binance.com")
MARKET = {"id": "BTCUSDT", "lowercaseId": "btcusdt", "symbol": "BTC/USDT"}
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
BOOKS = "wss://stream.binance.com:9443/ws/0"
EMPTY_OBJECT = b"\x81\x02{}"  # a frame of text


@cache
def _tls() -> tuple[ssl.SSLContext, bytes]:
    return make_tls(HOSTS)


class Deaf:
    """Opens websockets, and takes in nothing more once one was asked for something.

    Args:
        talks: Whether it goes on sending.
    """

    def __init__(self, *, talks: bool) -> None:
        self._talks = talks
        self.asked = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.append(asyncio.ensure_future(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        named = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
        key = named[b"Sec-WebSocket-Key"] + GUID
        accept = base64.b64encode(hashlib.sha1(key).digest())  # noqa: S324 - RFC 6455's
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        listening = asyncio.ensure_future(self._listen(reader))
        try:
            await self.asked.wait()
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            await self._talk(writer)
        finally:
            listening.cancel()
            writer.transport.abort()

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        if await reader.read(1000):
            self.asked.set()

    async def _talk(self, writer: asyncio.StreamWriter) -> None:
        while True:
            if self._talks:
                writer.write(EMPTY_OBJECT)
            await asyncio.sleep(0.05)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def client_of(deaf: Deaf, tmp_path: Path) -> AsyncIterator[ExchangeClient]:
    context, authority = _tls()
    (tmp_path / "ca.pem").write_bytes(authority)
    server = await asyncio.start_server(deaf.begin, "127.0.0.1", 0, ssl=context)
    config = ExchangeConfig(
        id="binance",
        api_key="key",
        secret="secret",
        connect_to=server.sockets[0].getsockname(),
        tls_ca=tmp_path / "ca.pem",
        order_by_websocket=True,
    )
    client = ExchangeClient(config, SystemClock())
    try:
        yield client
    finally:
        await client.close()
        server.close()
        await deaf.close()


@pytest.mark.parametrize("talks", [False, True], ids=["silent", "talking"])
async def test_close_with_a_peer_that_answers_no_close_cuts_its_connections(
    tmp_path: Path, talks: bool
) -> None:
    deaf = Deaf(talks=talks)
    async with asyncio.timeout(30), client_of(deaf, tmp_path) as client:
        await client._open()
        client._reads.set_markets([{**MARKET, "type": "spot", "spot": True, "contract": False}])
        book = asyncio.ensure_future(anext(client.watch_book("BTC/USDT")))
        assert client._order_socket is not None
        await client._order_socket.up()
        await deaf.asked.wait()
        opened = [client._order_socket._socket, client._reads.clients[BOOKS].connection]
        wires = [each._conn.transport.get_extra_info("socket") for each in opened]
        async with asyncio.timeout(5):  # aiohttp waits for 10 s, or for ever
            await client.close()
        for _ in range(3):  # turns of the loop in which what was cut goes
            await asyncio.sleep(0)
        assert {wire.fileno() for wire in wires} == {-1}
        book.cancel()
        await asyncio.gather(book, return_exceptions=True)
