"""Bans, refusals, maintenance, a wrong clock, a halted symbol and stale reads."""

import aiohttp
import pytest

from cryptobot.domain.order import Side
from cryptobot.simulator.limit_settings import LimitSettings
from cryptobot.simulator.security import sign
from tests.simulator.exchange_client import ExchangeClient, exchange
from tests.simulator.faults.raw_http_client import fired, set_fault, set_faults
from tests.simulator.scripted_market import ScriptedMarket
from tests.simulator.test_streams import subscribe
from tests.simulator.test_ws_api import PATH, SUBSCRIBE, call

PING = "/api/v3/ping"
NAMED = {"symbol": "BTCUSDT", "origClientOrderId": "mine"}


async def refused_upgrade(client: ExchangeClient, path: str) -> int:
    with pytest.raises(aiohttp.WSServerHandshakeError) as error:
        async with client.socket(path):
            pass
    return error.value.status


async def test_ban_refuses_everything_until_it_ends(client: ExchangeClient) -> None:
    await set_fault(client, kind="ban", ban_s=120, count=1)
    until_ms = client.now_ms + 120_000
    for path in (PING, "/api/v3/depth", "/sapi/v1/system/status"):
        answer = await client.get(path)
        assert (answer.status, answer.code) == (418, -1003)
        assert f"IP banned until {until_ms}." in answer.body["msg"]
        assert answer.headers["Retry-After"] == "120"
    signed = await client.limit("BUY", "0.1", "60000")
    assert signed.status == 418
    assert (await client.get("/sim/orders")).body == []
    lines = (await client.get("/sim/requests")).body
    assert [(line["status"], line["code"]) for line in lines] == [(418, -1003)] * 4
    assert await fired(client) == [1]
    client.pass_time(119)
    last = await client.get(PING)
    assert (last.status, last.headers["Retry-After"]) == (418, "1")
    client.pass_time(1)
    assert (await client.get(PING)).status == 200


async def test_ban_refuses_websockets_and_ws_api_requests(client: ExchangeClient) -> None:
    async with client.socket(PATH) as socket:
        await set_fault(client, kind="ban", ban_s=120, count=1, match={"operation": "depth"})
        assert (await call(client, socket, "ping"))["status"] == 200
        assert (await client.get("/api/v3/depth", symbol="BTCUSDT")).status == 418
        refused = await call(client, socket, "ping")
        assert (refused["status"], refused["error"]["code"]) == (418, -1003)
        assert refused["error"]["data"]["retryAfter"] == client.now_ms + 120_000
        for path in ("/ws", "/stream", PATH):
            assert await refused_upgrade(client, path) == 418


async def test_refused_client_that_goes_on_is_banned_for_longer_each_time(
    market: ScriptedMarket,
) -> None:
    limits = LimitSettings(refusals_before_ban=2, first_ban_s=100, longest_ban_s=250)
    async with exchange(market, limits=limits) as client:
        for length in (100, 200, 250):
            await set_fault(client, kind="rate_limit", retry_after_s=7, count=1)
            answers = [await client.get(PING) for _ in range(4)]
            assert [answer.status for answer in answers] == [429, 429, 429, 418]
            assert [answer.code for answer in answers] == [-1003] * 4
            assert [int(answer.headers["Retry-After"]) for answer in answers] == [7, 7, 7, length]
            client.pass_time(length)
            assert (await client.get(PING)).status == 200


async def test_refused_client_that_waits_is_let_in(client: ExchangeClient) -> None:
    await set_fault(client, kind="rate_limit", retry_after_s=7, count=1)
    assert (await client.get(PING)).status == 429
    client.pass_time(6.5)
    late = await client.get(PING)
    assert (late.status, late.headers["Retry-After"]) == (429, "1")
    client.pass_time(0.5)
    assert (await client.get(PING)).status == 200


async def test_clearing_the_faults_lifts_the_ban(client: ExchangeClient) -> None:
    await set_fault(client, kind="ban", count=1)
    assert (await client.get(PING)).status == 418
    assert (await client.request("DELETE", "/sim/faults")).body == {"removed": 1}
    assert (await client.get(PING)).status == 200


async def test_maintenance_answers_503_and_says_so(client: ExchangeClient) -> None:
    async with client.socket(PATH) as socket:
        fault = await set_fault(client, kind="maintenance")
        for answer in (await client.get(PING), await client.limit("BUY", "0.1", "60000")):
            assert (answer.status, answer.body["msg"]) == (503, "System is under maintenance.")
        status = await client.get("/sapi/v1/system/status")
        assert (status.status, status.body) == (200, {"status": 1, "msg": "system maintenance"})
        assert (await call(client, socket, "ping"))["status"] == 503
        assert await refused_upgrade(client, "/ws") == 503
        assert (await client.get("/sim/orders")).body == []
        assert (await client.request("DELETE", f"/sim/faults/{fault}")).status == 200
    assert (await client.get("/sapi/v1/system/status")).body["status"] == 0


@pytest.mark.parametrize(
    ("skew_ms", "words"),
    [(20_000, "outside of the recvWindow"), (-5_000, "1000ms ahead of the server's time")],
)
async def test_wrong_clock_shows_and_refuses_until_it_is_right(
    client: ExchangeClient, skew_ms: int, words: str
) -> None:
    right_ms = client.now_ms
    await set_fault(client, kind="clock_skew", skew_ms=skew_ms, for_s=60)
    assert (await client.get("/api/v3/time")).body == {"serverTime": right_ms + skew_ms}
    query = f"timestamp={right_ms}"
    wrong = await client.request(
        "GET",
        "/api/v3/account",
        query=f"{query}&signature={sign('testsecret', query)}",
        key="testkey",
    )
    assert (wrong.status, wrong.code) == (400, -1021)
    assert words in wrong.body["msg"]
    assert (await client.signed("GET", "/api/v3/account")).status == 200  # by the exchange's time
    client.pass_time(60)
    assert (await client.get("/api/v3/time")).body == {"serverTime": right_ms + 60_000}


async def test_wrong_clock_stamps_answers_and_events(
    client: ExchangeClient, market: ScriptedMarket
) -> None:
    async with client.socket(PATH) as user, client.socket("/ws") as stream:
        await call(client, user, SUBSCRIBE)
        await subscribe(stream, "btcusdt@trade")
        right_ms = client.now_ms
        await set_fault(client, kind="clock_skew", skew_ms=7_000)
        placed = await client.limit("BUY", "0.1", "60000")
        assert (placed.body["transactTime"], placed.body["workingTime"]) == (right_ms + 7_000,) * 2
        report = (await user.hear())["event"]
        assert {report[name] for name in "ETOW"} == {right_ms + 7_000}
        market.trade(1, "64001", "0.1", Side.BUY)
        client.pass_time(1)
        event = await stream.hear()
        assert (event["E"], event["T"], event["t"]) == (right_ms + 8_000, right_ms + 8_000, 1)


async def test_halted_symbol_takes_no_orders_and_says_break(client: ExchangeClient) -> None:
    await set_fault(client, kind="market_closed", match={"symbol": "BTCUSDT"})
    answer = await client.limit("BUY", "0.1", "60000")
    assert (answer.code, answer.body["msg"]) == (-1013, "Market is closed.")
    info = (await client.get("/api/v3/exchangeInfo")).body
    assert {row["symbol"]: row["status"] for row in info["symbols"]} == {
        "BTCUSDT": "BREAK", "ETHUSDT": "TRADING",
    }  # fmt: skip
    assert (await client.get("/api/v3/depth", symbol="BTCUSDT")).status == 200
    async with client.socket(PATH) as socket:
        ws = await socket.ask({"id": 1, "method": "exchangeInfo"})
        assert ws["result"]["symbols"][0]["status"] == "BREAK"


async def test_stale_reads_show_what_was(client: ExchangeClient, market: ScriptedMarket) -> None:
    await set_fault(client, kind="stale", lag_ms=3_000)
    market.trade(4, "60000", "0.04", Side.SELL)
    placed = await client.limit("BUY", "0.1", "60000", newClientOrderId="mine")

    async def seen() -> tuple[str | None, int, int, str]:
        query = await client.signed("GET", "/api/v3/order", **NAMED)
        opened = await client.signed("GET", "/api/v3/openOrders")
        trades = await client.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT")
        account = await client.signed("GET", "/api/v3/account")
        locked = {held["asset"]: held["locked"] for held in account.body["balances"]}["USDT"]
        state = query.body["status"] if query.status == 200 else f"{query.code}"
        return state, len(opened.body), len(trades.body), locked

    assert placed.status == 200
    assert await seen() == ("-2013", 0, 0, "0.00000000")
    client.pass_time(3)
    assert await seen() == ("NEW", 1, 0, "6000.00000000")
    client.pass_time(2)  # a second after the trade
    assert await seen() == ("NEW", 1, 0, "6000.00000000")
    assert (await client.signed("DELETE", "/api/v3/order", **NAMED)).body["status"] == "CANCELED"
    client.pass_time(2.5)
    assert await seen() == ("PARTIALLY_FILLED", 1, 1, "3600.00000000")
    client.pass_time(3)
    assert await seen() == ("CANCELED", 0, 1, "0.00000000")
    everything = await client.signed("GET", "/api/v3/allOrders", symbol="BTCUSDT")
    assert [order["status"] for order in everything.body] == ["CANCELED"]


async def test_stale_reads_come_by_ws_api_too(client: ExchangeClient) -> None:
    await set_fault(client, kind="stale", lag_ms=1_000, match={"channel": "ws_api"})
    await client.limit("BUY", "0.1", "60000", newClientOrderId="mine")
    async with client.socket(PATH) as socket:
        assert (await call(client, socket, "order.status", **NAMED))["error"]["code"] == -2013
        assert (await client.signed("GET", "/api/v3/order", **NAMED)).status == 200
        client.pass_time(1)
        assert (await call(client, socket, "order.status", **NAMED))["status"] == 200


async def test_faults_are_listed_with_their_count_and_taken_away(client: ExchangeClient) -> None:
    ids = await set_faults(client, [{"kind": "ban", "skip": 1}, {"preset": "slow_link"}])
    assert ids == ["f1", "f2"]
    await client.get(PING)
    first, second = (await client.get("/sim/faults")).body
    assert first == {
        "id": "f1", "kind": "ban", "when": "before", "note": "", "stage": "active", "seen": 1,
        "fired": 0, "count": None, "ends_ms": None, "lasts_until_ms": None,
    }  # fmt: skip
    assert (second["note"], second["fired"]) == ("slow_link", 1)
    assert (await client.request("DELETE", "/sim/faults/f1")).body == {"removed": 1}
    gone = await client.request("DELETE", "/sim/faults/f1")
    assert (gone.status, gone.body) == (
        404, {"error": "id: no fault f1; GET /sim/faults lists them"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "words"), [("{", "body: is no JSON: "), ('{"kind": "x"}', "kind: 'x' is unknown;")]
)
async def test_bad_description_is_refused_with_one_line(
    client: ExchangeClient, body: str, words: str
) -> None:
    answer = await client.request("POST", "/sim/faults", body=body)
    assert answer.status == 400
    assert answer.body["error"].startswith(words)
    assert (await client.get("/sim/faults")).body == []


async def test_presets_are_listed_for_people(client: ExchangeClient) -> None:
    listed = (await client.get("/sim/faults/presets")).body
    assert {"lost_reply", "ban", "maintenance", "slow_link"} <= {row["name"] for row in listed}
    assert all(row["about"] and row["group"] and row["faults"] for row in listed)


async def test_ban_that_lasts_is_listed_with_its_end_and_lifted_when_taken_away(
    client: ExchangeClient,
) -> None:
    (fault_id,) = await set_faults(client, [{"preset": "ban", "ban_s": 90}])
    assert (await client.get("/sim/faults")).body[0]["lasts_until_ms"] is None  # not yet met
    assert (await client.get(PING)).status == 418
    (ban,) = (await client.get("/sim/faults")).body
    assert (ban["stage"], ban["lasts_until_ms"]) == ("over", client.now_ms + 90_000)
    await client.request("DELETE", f"/sim/faults/{fault_id}")
    assert (await client.get(PING)).status == 200
