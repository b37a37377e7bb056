import time

import aiohttp
import pytest

from cryptobot.domain.order import Side
from tests.simulator.exchange_client import ExchangeClient
from tests.simulator.scripted_market import ScriptedMarket


async def test_orders_lists_every_order_received_with_its_time(client: ExchangeClient) -> None:
    before = time.time_ns()
    await client.limit("BUY", "0.1", "60000", newClientOrderId="kept")
    await client.limit("BUY", "0.1", "1", newClientOrderId="refused")
    await client.request("POST", "/api/v3/order", query="symbol=BTCUSDT")
    kept, refused, unsigned = (await client.get("/sim/orders")).body
    assert before < kept["received_ns"] < refused["received_ns"] < time.time_ns()
    assert (kept["client_order_id"], kept["status"], kept["accepted"]) == ("kept", "NEW", True)
    assert (refused["client_order_id"], refused["accepted"]) == ("refused", False)
    assert refused["error"] == {"code": -1013, "msg": "Filter failure: PERCENT_PRICE_BY_SIDE"}
    assert unsigned["error"]["code"] == -2014


async def test_requests_lists_those_since_a_time(client: ExchangeClient) -> None:
    await client.get("/api/v3/ping")
    (first,) = (await client.get("/sim/requests")).body
    await client.get("/api/v3/depth", symbol="NOPE")
    lines = (await client.get("/sim/requests", since=first["received_ns"] + 1)).body
    assert [(line["path"], line["status"], line["code"]) for line in lines] == [
        ("/api/v3/depth", 400, -1121),
    ]
    assert (await client.get("/sim/requests", since="soon")).status == 400


async def test_state_shows_balances_market_and_counts(
    client: ExchangeClient, market: ScriptedMarket
) -> None:
    market.trade(1, "64001", "0.5", Side.BUY)
    before = (await client.get("/sim/state")).body
    assert before["market_ended"] is False
    client.pass_time(2)
    await client.order("BUY", "MARKET", quantity="0.5")
    state = (await client.get("/sim/state")).body
    assert state["market_ended"] is True
    assert state["balances"]["BTC"] == {"free": "2.4995", "locked": "0"}
    assert state["symbols"]["BTC/USDT"]["own_trades"] == 1
    assert (state["counts"]["orders_received"], state["counts"]["market_trades"]) == (1, 1)


async def test_clock_can_be_skewed_advanced_and_sped_up(
    client: ExchangeClient, market: ScriptedMarket
) -> None:
    async def clock(body: str) -> int:
        return (await client.request("POST", "/sim/clock", body=body)).status

    now = client.now_ms
    assert await clock('{"offset_ms": 7000}') == 200
    assert (await client.get("/api/v3/time")).body["serverTime"] == now + 7000
    assert await clock('{"skew_ms": -5000}') == 200
    assert (await client.get("/api/v3/time")).body["serverTime"] == now - 5000
    market.trade(30, "64001", "0.5", Side.BUY)
    assert await clock('{"advance_ms": 60000}') == 200
    assert (await client.get("/api/v3/time")).body["serverTime"] == now + 55_000
    assert len((await client.get("/api/v3/trades", symbol="BTCUSDT")).body) == 1
    assert await clock('{"speed": 10}') == 200
    client.pass_time(1)
    assert (await client.get("/api/v3/time")).body["serverTime"] == now + 65_000


@pytest.mark.parametrize("body", ["", "{}", "[1]", '{"speed": -1}', '{"skew_ms": "1"}'])
async def test_clock_with_bad_body_says_what_it_wants(client: ExchangeClient, body: str) -> None:
    answer = await client.request("POST", "/sim/clock", body=body)
    assert answer.status == 400
    assert "offset_ms" in answer.body["error"]


async def test_admin_is_not_on_the_tls_port(client: ExchangeClient) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"https://127.0.0.1:{client.ports.tls}/sim/orders", ssl=False) as answer,
    ):
        assert answer.status == 403
