"""What only the ccxt client has to do: the wire, the clock, market data."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals
from pathlib import Path
from unittest.mock import patch

import aiohttp
import pytest

from cryptobot.domain.clock import SystemClock
from cryptobot.domain.errors import FenceClosed, NotSent, ReadFailed, UserError
from cryptobot.domain.order import OrderReport, OrderState, Side
from cryptobot.simulator.server.tls import make_tls
from cryptobot.trading import ccxt_instance, ccxt_streams
from cryptobot.trading.ccxt_session import open_session
from cryptobot.trading.exchange_client import ExchangeClient, ExchangeConfig
from cryptobot.trading.guarded_exchange import verdict
from cryptobot.trading.traffic import Budget, Traffic
from tests.venues.conftest import Trading, trading
from tests.venues.test_venue_contract import OpenPermit, limit, place


async def test_order_write_outside_the_gateway_is_stopped_in_the_session() -> None:
    traffic = Traffic(Budget(1200), SystemClock())
    async with open_session(
        connect_to=("127.0.0.1", 9), tls_ca=None, gated=True, traffic=traffic
    ) as session:
        with pytest.raises((FenceClosed, aiohttp.ClientConnectorError)):
            await session.post("https://api.binance.com/api/v3/order")


async def test_authority_with_a_comment_in_any_script_is_taken(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.write_bytes("# Főtanúsítvány\n".encode() + make_tls()[1])
    traffic = Traffic(Budget(1200), SystemClock())
    async with open_session(connect_to=None, tls_ca=authority, gated=True, traffic=traffic):
        pass


async def test_stray_post_on_an_open_connection_is_stopped(client: ExchangeClient) -> None:
    with pytest.raises(FenceClosed):
        await client._orders.private_post_order({"symbol": "BTCUSDT"})


async def test_unreachable_exchange_proves_that_nothing_was_sent(
    client: ExchangeClient,
) -> None:
    nowhere = ExchangeClient(
        ExchangeConfig(id="binance", api_key="k", secret="s", connect_to=("127.0.0.1", 9)),
        SystemClock(),
    )
    try:
        with pytest.raises(ReadFailed, match="connection refused by api\\.binance\\.com:443"):
            await nowhere.connect()
        nowhere._orders.set_markets(client._reads.markets, client._reads.currencies)
        with pytest.raises(NotSent, match="connection refused by api") as not_sent:
            await place(nowhere, limit(Side.BUY, "0.01", "60000"))
        assert not_sent.value.code == "connection_failed"
    finally:
        await nowhere.close()


async def test_clock_skew_is_measured_and_small_on_one_machine(client: ExchangeClient) -> None:
    assert client.clock_skew_ms is not None
    assert abs(client.clock_skew_ms) < 1000


async def test_simulator_is_recognised_and_production_is_not_asked(client: ExchangeClient) -> None:
    assert await client.is_simulator()
    assert not await ExchangeClient(ExchangeConfig(id="binance"), SystemClock()).is_simulator()


async def test_exchange_that_ccxt_does_not_know_is_a_users_mistake() -> None:
    with pytest.raises(UserError, match="ccxt has no exchange 'nosuch'"):
        await ExchangeClient(ExchangeConfig(id="nosuch"), SystemClock()).connect()


async def test_instruments_carry_the_exchanges_rules(client: ExchangeClient) -> None:
    bitcoin = client.instruments["BTC/USDT"]
    assert (bitcoin.base, bitcoin.quote) == ("BTC", "USDT")
    assert bitcoin.price_step == D("0.01")
    assert bitcoin.min_notional == D(5)


async def test_markets_are_loaded_by_connecting_only(tmp_path: Path) -> None:
    # By itself ccxt loads them in any call, and keeps what a broken exchange told it then.
    async with trading(tmp_path) as at:
        client = ExchangeClient(at.client._config, SystemClock())
        try:
            assert await client.is_simulator()
            with pytest.raises(NotSent, match="not connected yet"):
                await client.cancel_order("BTC/USDT", "cb1")
            with pytest.raises(NotSent, match="not connected yet"):
                await place(client, limit(Side.BUY, "0.01", "60000"))
            with pytest.raises(ReadFailed, match="not connected yet") as unread:
                await client.balances()
            assert verdict(unread.value) is None  # nothing was asked, so no breaker hears of it
            await client.connect()
            at.fault("patch", match={"operation": "exchange_info"}, fields={"symbols": []})
            with pytest.raises(ReadFailed, match="no spot markets"):
                await client.connect()
            report = await place(client, limit(Side.BUY, "0.01", "60000"))
            assert report.state is OrderState.ACCEPTED
        finally:
            await client.close()


async def test_book_stream_brings_the_market_and_our_resting_order(client: ExchangeClient) -> None:
    async for book in client.watch_book("BTC/USDT"):
        assert book.bids[0] == (D(64000), D(1))
        break
    await place(client, limit(Side.BUY, "0.5", "64000.5"))
    async for book in client.watch_book("BTC/USDT"):
        if book.bids[0] == (D("64000.5"), D("0.5")):
            break


async def test_trade_stream_brings_our_own_trade(client: ExchangeClient) -> None:
    trades = client.watch_trades("BTC/USDT")
    report = await place(client, limit(Side.BUY, "0.5", "64001"))
    assert report.state is OrderState.FILLED
    first = anext(trades)
    # The subscription may come after the first trade: trade until one is seen.
    waiting = asyncio.ensure_future(first)
    for _ in range(20):
        done, _pending = await asyncio.wait({waiting}, timeout=0.5)
        if done:
            break
        await client.place_order(limit(Side.SELL, "0.001", "64000"), OpenPermit())
    trade = await waiting
    assert trade.symbol == "BTC/USDT"
    assert trade.price in {D(64000), D(64001)}


async def test_silent_stream_takes_no_other_down_with_it(client: ExchangeClient) -> None:
    async def read(updates: AsyncIterator[object]) -> None:
        async for _ in updates:
            pass

    others: asyncio.Queue[str] = asyncio.Queue()
    client._on_stream = lambda channel, _, event, __: others.put_nowait(f"{channel} {event}")
    with patch.dict(ccxt_streams.SILENCE_S, book=0.3):  # this market says nothing by itself
        readers = [
            asyncio.ensure_future(read(updates))
            for updates in (client.watch_book("BTC/USDT"), client.watch_trades("BTC/USDT"))
        ]
        while await others.get() != "trades disconnected":
            await place(client, limit(Side.SELL, "0.001", "64000"))
    while await others.get() != "trades connected":
        await place(client, limit(Side.SELL, "0.001", "64000"))
    assert not any(reader.done() for reader in readers)
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)


async def test_fence_closed_between_headers_and_body_stops_the_order(
    client: ExchangeClient,
) -> None:
    class ClosesLate(OpenPermit):
        looks = 0

        def check(self) -> None:
            self.looks += 1
            if self.looks > 1:
                raise FenceClosed("the mode is paper")

    request = limit(Side.BUY, "0.01", "60000")
    with pytest.raises(FenceClosed):
        await client.place_order(request, ClosesLate())
    assert await client.find_order("BTC/USDT", request.client_order_id) is None
    # The half-written connection is not used again.
    assert (await place(client, request)).state is OrderState.ACCEPTED


async def told_of_a_trade(at: Trading, reports: "asyncio.Queue[OrderReport]") -> None:
    """Trade until the account's stream tells of it: it may be on its way up."""
    told = asyncio.ensure_future(reports.get())
    async with asyncio.timeout(20):
        while not told.done():
            await place(at.client, limit(Side.SELL, "0.001", "64000"))
            await asyncio.wait({told}, timeout=0.5)


@asynccontextmanager
async def own_reports(at: Trading) -> AsyncIterator[set[tuple[str, str | None]]]:
    """Follow the account's stream; give why its channels were left, and hear it to its end."""
    reports: asyncio.Queue[OrderReport] = asyncio.Queue()

    async def follow() -> None:
        async for report in at.client.watch_order_reports():
            reports.put_nowait(report)

    following = asyncio.create_task(follow())
    await told_of_a_trade(at, reports)
    while not at.events.empty():
        at.events.get_nowait()
    left: set[tuple[str, str | None]] = set()
    yield left
    async with asyncio.timeout(10):
        while {channel for channel, _ in left} != {"orders", "fills"}:
            channel, event, reason = await at.events.get()
            if event == "disconnected":
                left.add((channel, reason))
    while not reports.empty():
        reports.get_nowait()
    await told_of_a_trade(at, reports)
    following.cancel()
    await asyncio.wait({following})


async def test_websocket_of_an_exchange_that_falls_silent_is_left_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ccxt_instance, "HEARTBEAT_S", 0.6)
    async with trading(tmp_path) as at:
        async with own_reports(at) as left:
            (connection,) = at.simulator.sockets
            connection.mute()
        assert left == {("orders", "silent"), ("fills", "silent")}


async def test_websocket_with_a_frame_that_nobody_can_read_is_left_for_another(
    tmp_path: Path,
) -> None:
    async with trading(tmp_path) as at:
        async with own_reports(at) as left:
            at.fault("malformed", match={"channel": "user"}, count=1)
            await place(at.client, limit(Side.SELL, "0.001", "64000"))
        assert left == {("orders", "malformed"), ("fills", "malformed")}
