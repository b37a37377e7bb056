"""What a person reads when the network fails, over real sockets."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
import ccxt
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from cryptobot.domain.clock import SystemClock
from cryptobot.domain.errors import ReadFailed
from cryptobot.simulator.server.tls import make_tls
from cryptobot.trading.exchange_client import ExchangeClient, ExchangeConfig
from cryptobot.trading.network_causes import network_cause
from telemetry.testing import capture_logs

HOST = "api.binance.com"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@cache
def _tls() -> tuple[ssl.SSLContext, bytes]:
    return make_tls((HOST,))


class _NoNames(AbstractResolver):
    async def resolve(
        self,
        host: str,  # noqa: ARG002 - no name is known
        port: int = 0,  # noqa: ARG002 - as above
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002 - as above
    ) -> list[ResolveResult]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def close(self) -> None:
        pass


@asynccontextmanager
async def _serving(serve: Serve, *, tls: bool = True) -> AsyncIterator[tuple[str, int]]:
    """Serve every connection so; at the end all are cut."""
    tasks: list[asyncio.Task[None]] = []

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        finally:
            writer.transport.abort()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(asyncio.ensure_future(one(reader, writer)))

    server = await asyncio.start_server(begin, "127.0.0.1", 0, ssl=_tls()[0] if tls else None)
    try:
        yield server.sockets[0].getsockname()
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _wait(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def _close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    writer.close()


async def _reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"  # on, for 0 s: RST
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


async def _half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    await writer.drain()
    writer.close()


async def _plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await writer.drain()


async def _why(tmp_path: Path, **options: Any) -> str:
    """Return what a client that cannot connect says."""
    authority = tmp_path / "ca.pem"
    authority.write_bytes(_tls()[1])
    config = {"timeout_s": 20.0, "tls_ca": authority, **options}
    client = ExchangeClient(ExchangeConfig(id="binance", **config), SystemClock())
    try:
        with pytest.raises(ReadFailed) as failed:
            await client.connect()
    finally:
        await client.close()
    return str(failed.value)


async def test_lookup_that_fails_is_named(tmp_path: Path) -> None:
    def connector() -> aiohttp.TCPConnector:
        return aiohttp.TCPConnector(resolver=_NoNames())

    assert await _why(tmp_path, connector=connector) == f"connect: DNS lookup of {HOST} failed"


async def test_refused_connection_is_named_with_its_port(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        why = await _why(tmp_path, connect_to=closed.getsockname())
    assert why == f"connect: connection refused by {HOST}:443"


async def test_certificate_that_is_not_trusted_is_named_with_the_reason(tmp_path: Path) -> None:
    async with _serving(_wait) as address:
        why = await _why(tmp_path, connect_to=address, tls_ca=None)
    assert why == (
        f"connect: TLS certificate of {HOST} not accepted: "
        "self-signed certificate in certificate chain"
    )


@pytest.mark.parametrize(
    ("serve", "tls", "expected"),
    [
        (_close, True, f"connection closed by {HOST} without an answer"),
        (_reset, True, f"connection reset by {HOST}"),
        (_half, True, f"the answer of {HOST} could not be read to its end"),
        (_plain, False, f"no TLS connection to {HOST}: wrong version number"),
        (_reset, False, f"connection to {HOST}:443 reset at its start"),
    ],
    ids=["closed", "reset", "half an answer", "no TLS", "reset at once"],
)
async def test_connection_that_breaks_says_how(
    tmp_path: Path, serve: Serve, tls: bool, expected: str
) -> None:
    async with _serving(serve, tls=tls) as address:
        assert await _why(tmp_path, connect_to=address) == f"connect: {expected}"


@pytest.mark.parametrize(
    ("tls", "expected"),
    [
        (False, f"timed out connecting to {HOST}"),  # TLS is never answered
        (True, f"timed out waiting for an answer of {HOST}"),
    ],
)
async def test_time_out_says_of_what(tmp_path: Path, tls: bool, expected: str) -> None:
    async with _serving(_wait, tls=tls) as address:
        why = await _why(tmp_path, connect_to=address, timeout_s=0.5)
    assert why == f"connect: {expected}"


async def test_stream_that_cannot_connect_says_why() -> None:
    events: asyncio.Queue[str] = asyncio.Queue()
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        client = ExchangeClient(
            ExchangeConfig(id="binance", connect_to=closed.getsockname()),
            SystemClock(),
            on_stream=lambda _, __, event, ___: events.put_nowait(event),
        )
        await client._open()
        market = {"id": "BTCUSDT", "lowercaseId": "btcusdt", "symbol": "BTC/USDT"}
        client._reads.set_markets([{**market, "type": "spot", "spot": True, "contract": False}])
        with capture_logs() as logs:
            book = asyncio.ensure_future(anext(client.watch_book("BTC/USDT")))
            assert await events.get() == "disconnected"
            book.cancel()
            await asyncio.gather(book, return_exceptions=True)
            [line] = logs.of("stream_disconnected")
        await client.close()
    assert line["detail"] == "connection refused by stream.binance.com:9443"


SIGNED = f"https://{HOST}/api/v3/order?symbol=BTCUSDT&signature=c0ffee"


@pytest.mark.parametrize(
    "cause",
    [
        aiohttp.ConnectionTimeoutError(f"Connection timeout to host {SIGNED}"),
        aiohttp.ClientPayloadError(SIGNED),
        ConnectionResetError(SIGNED),
        ssl.SSLError(SIGNED),
        TimeoutError(),
    ],
)
def test_no_cause_tells_more_of_an_address_than_its_host(cause: Exception) -> None:
    error = ccxt.ExchangeNotAvailable(f"binance POST {SIGNED}")
    error.__cause__ = cause
    text = network_cause(error)
    assert text is not None
    assert HOST in text
    assert "/" not in text


@pytest.mark.parametrize(
    "error",
    [
        ccxt.InsufficientFunds('binance {"code":-2010}'),
        ccxt.ExchangeNotAvailable(f"binance GET https://{HOST}/api/v3/time 502 Bad Gateway"),
        ValueError("not a number"),
    ],
)
def test_what_is_no_matter_of_the_network_has_no_such_cause(error: Exception) -> None:
    assert network_cause(error) is None
