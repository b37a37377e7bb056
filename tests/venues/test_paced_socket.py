"""Websockets of the reads obey the exchange's silences."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from unittest.mock import patch

import aiohttp
from aiohttp import web

from cryptobot.domain.clock import NS_PER_S, ManualClock
from cryptobot.domain.order import Side
from cryptobot.trading import ccxt_streams
from cryptobot.trading.ccxt_session import open_session
from cryptobot.trading.traffic import Budget, Traffic
from tests.venues.conftest import trading
from tests.venues.test_venue_contract import limit, place


class Peer:
    """A server that keeps what it is told, and answers pings."""

    def __init__(self) -> None:
        self.texts: asyncio.Queue[str] = asyncio.Queue()

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Serve a client until it closes."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            self.texts.put_nowait(message.data)
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


async def test_stream_that_is_silent_during_a_ban_keeps_its_connection(tmp_path: Path) -> None:
    # There would be no other until the ban is over.
    async with trading(tmp_path) as at:
        with patch.dict(ccxt_streams.SILENCE_S, book=0.3):  # this market says nothing by itself
            books = at.client.watch_book("BTC/USDT")
            await anext(books)
            at.client.traffic.heard(None, 418, {"Retry-After": "60"})
            [connection] = at.client._reads.clients.values()
            book = asyncio.ensure_future(anext(books))
            async with asyncio.timeout(10):
                while (await at.events.get())[:2] != ("book", "disconnected"):
                    pass
            assert list(at.client._reads.clients.values()) == [connection]
            at.client.traffic._silences.clear()
            await place(at.client, limit(Side.BUY, "0.5", "64000.5"))
            assert (await book).bids[0].amount > 0
            await books.aclose()  # type: ignore[attr-defined]
