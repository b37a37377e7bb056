"""Websockets of the reads: they obey the exchange's silences, and they close in time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp import web

from cryptobot.domain.clock import NS_PER_S, ManualClock
from cryptobot.trading.ccxt_session import open_session
from cryptobot.trading.traffic import Budget, Traffic
from tests.venues.conftest import trading


class Peer:
    """A server that keeps what it is told, and answers pings."""

    def __init__(self) -> None:
        self.texts: asyncio.Queue[str] = asyncio.Queue()
        self.dead = asyncio.Event()
        """Set, it reads no more: not even a goodbye."""

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Serve a client until it closes."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            self.texts.put_nowait(message.data)
            if message.data == "die":
                await self.dead.wait()
        return socket


@asynccontextmanager
async def connected(
    traffic: Traffic,
) -> AsyncIterator[tuple[aiohttp.ClientWebSocketResponse, Peer]]:
    peer = Peer()
    app = web.Application()
    app.router.add_get("/", peer.serve)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    session = open_session(connect_to=None, tls_ca=None, gated=False, traffic=traffic)
    try:
        async with session:
            yield await session.ws_connect(f"http://127.0.0.1:{port}/", autoping=False), peer
    finally:
        peer.dead.set()
        await runner.cleanup()


async def test_frame_waits_while_the_exchange_wants_silence() -> None:
    clock = ManualClock()
    traffic = Traffic(Budget(100), clock)
    async with asyncio.timeout(30), connected(traffic) as (socket, peer):
        await socket.send_str("before")
        assert await peer.texts.get() == "before"
        traffic.heard(None, 418, {"Retry-After": "1"})
        subscribing = asyncio.create_task(socket.send_str("SUBSCRIBE"))
        await socket.ping()  # behind which all that was sent before must have come
        assert (await socket.receive()).type is aiohttp.WSMsgType.PONG
        assert peer.texts.empty()
        assert not subscribing.done()
        clock.advance(NS_PER_S)
        await subscribing
        assert await peer.texts.get() == "SUBSCRIBE"


async def test_close_does_not_wait_long_for_a_dead_peer() -> None:
    async with connected(Traffic(Budget(100), ManualClock())) as (socket, peer):
        await socket.send_str("die")
        assert await peer.texts.get() == "die"
        async with asyncio.timeout(5):
            await socket.close()
        assert socket.closed


async def test_ban_that_only_a_frame_of_the_user_stream_tells_silences_all(tmp_path: Path) -> None:
    async with trading(tmp_path) as at:
        at.fault("ban", match={"operation": "user_stream"}, ban_s=300)
        reports = at.client.watch_order_reports()
        hearing = asyncio.ensure_future(anext(reports))
        async with asyncio.timeout(20):
            while not at.client.traffic.silent_s():
                await at.events.get()
        assert 299 <= at.client.traffic.silent_s() <= 300
        hearing.cancel()
        await asyncio.wait([hearing])
