from typing import Any

import pytest

from cryptobot.domain.order import Side
from tests.simulator.exchange_client import ExchangeClient, Socket
from tests.simulator.scripted_market import ScriptedMarket

PATH = "/ws-api/v3"
SUBSCRIBE = "userDataStream.subscribe.signature"
LIMIT = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}


async def call(client: ExchangeClient, socket: Socket, method: str, **params: object) -> Any:
    await socket.say({"id": method, "method": method, "params": client.ws_params(**params)})
    while True:
        answer = await socket.hear()
        if answer.get("id") == method:
            return answer


async def test_public_request_needs_no_signature(client: ExchangeClient) -> None:
    async with client.socket(PATH) as socket:
        answer = await socket.ask({"id": 1, "method": "ping"})
        assert (answer["id"], answer["status"], answer["result"]) == (1, 200, {})
        assert answer["rateLimits"][0]["rateLimitType"] == "REQUEST_WEIGHT"
        assert answer["rateLimits"][0]["count"] == 1
        depth = {"symbol": "BTCUSDT", "limit": 1, "returnRateLimits": False}
        answer = await socket.ask({"id": "b", "method": "depth", "params": depth})
        assert answer["result"]["bids"] == [["64000.00000000", "1.00000000"]]
        assert "rateLimits" not in answer


@pytest.mark.parametrize(
    ("message", "status", "code"),
    [
        ("{", 400, -1000),
        ({"id": 1, "method": "dance"}, 400, -1000),
        ({"id": 1, "method": "depth", "params": []}, 400, -1102),
        ({"id": 1, "method": "depth", "params": {"symbol": "X"}}, 400, -1121),
        ({"id": 1, "method": "account.status", "params": {"apiKey": "other"}}, 401, -2015),
        ({"id": 1, "method": SUBSCRIBE, "params": {}}, 401, -2014),
    ],
)
async def test_bad_request_gives_its_error(
    client: ExchangeClient, message: object, status: int, code: int
) -> None:
    async with client.socket(PATH) as socket:
        await socket.say(message)
        answer = await socket.hear()
        assert (answer["status"], answer["error"]["code"]) == (status, code)


async def test_order_life_is_told_to_the_subscriber(
    client: ExchangeClient, market: ScriptedMarket
) -> None:
    async with client.socket(PATH) as socket:
        first = await call(client, socket, SUBSCRIBE)
        assert first["result"] == {"subscriptionId": 0}
        terms = {**LIMIT, "quantity": "0.5", "price": "64000.5", "newClientOrderId": "mine"}
        await socket.say({"id": "p", "method": "order.place", "params": client.ws_params(**terms)})
        heard = [await socket.hear() for _ in range(3)]
        events = [message["event"] for message in heard if "event" in message]
        answer = next(message for message in heard if message.get("id") == "p")
        assert [event["e"] for event in events] == ["executionReport", "outboundAccountPosition"]
        assert (events[0]["x"], events[0]["X"], events[0]["c"]) == ("NEW", "NEW", "mine")
        assert events[1]["B"] == [{"a": "USDT", "f": "67999.75000000", "l": "32000.25000000"}]
        market.trade(1, "64000", "0.2", Side.SELL)
        client.pass_time(1)
        trade, position = (await socket.hear())["event"], (await socket.hear())["event"]
        assert (trade["x"], trade["X"], trade["l"], trade["z"], trade["m"]) == (
            "TRADE", "PARTIALLY_FILLED", "0.20000000", "0.20000000", True,
        )  # fmt: skip
        assert (trade["n"], trade["N"]) == ("0.00020000", "BTC")
        assert {held["a"] for held in position["B"]} == {"BTC", "USDT"}
        order_id = answer["result"]["orderId"]
        terms = {"symbol": "BTCUSDT", "orderId": order_id, "newClientOrderId": "stop"}
        await socket.say({"id": "c", "method": "order.cancel", "params": client.ws_params(**terms)})
        report = (await socket.hear())["event"]
        assert (report["x"], report["c"], report["C"]) == ("CANCELED", "stop", "mine")
        assert report["w"] is False


async def test_every_subscription_hears_until_it_ends(client: ExchangeClient) -> None:
    async with client.socket(PATH) as one, client.socket(PATH) as two:
        assert (await call(client, one, SUBSCRIBE))["result"] == {"subscriptionId": 0}
        assert (await call(client, one, SUBSCRIBE))["result"] == {"subscriptionId": 1}
        assert (await call(client, two, SUBSCRIBE))["result"] == {"subscriptionId": 0}
        await client.limit("BUY", "0.1", "60000")
        heard = [await one.hear() for _ in range(4)]
        assert {message["subscriptionId"] for message in heard} == {0, 1}
        gone = {"id": 3, "method": "userDataStream.unsubscribe", "params": {"subscriptionId": 0}}
        assert (await one.ask(gone))["result"] == {}
        assert (await one.ask(gone))["error"]["code"] == -1130
        await client.limit("BUY", "0.1", "60001")
        assert [(await one.hear())["subscriptionId"] for _ in range(2)] == [1, 1]
        assert (await two.hear())["event"]["p"] == "60000.00000000"


async def test_fill_on_arrival_is_reported_after_new(client: ExchangeClient) -> None:
    async with client.socket(PATH) as socket:
        await call(client, socket, SUBSCRIBE)
        await client.order("BUY", "MARKET", quantity="1.5")
        events = [(await socket.hear())["event"] for _ in range(6)]
        reports = [event for event in events if event["e"] == "executionReport"]
        assert [report["X"] for report in reports] == ["NEW", "PARTIALLY_FILLED", "FILLED"]
        assert [report["Y"] for report in reports[1:]] == ["64001.00000000", "32001.00000000"]
        ids = [report["I"] for report in reports]
        assert ids == sorted(set(ids))
        assert (await client.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT")).body[1]["id"] == (
            reports[2]["t"]
        )


async def test_queries_answer_as_rest_does(client: ExchangeClient) -> None:
    placed = (await client.limit("BUY", "0.1", "60000", newClientOrderId="q")).body
    async with client.socket(PATH) as socket:
        named = {"symbol": "BTCUSDT", "origClientOrderId": "q"}
        status = await call(client, socket, "order.status", **named)
        rest = await client.signed("GET", "/api/v3/order", **named)
        assert status["result"] == rest.body
        opened = await call(client, socket, "openOrders.status", symbol="BTCUSDT")
        everything = await call(client, socket, "allOrders", symbol="BTCUSDT", limit=5)
        assert opened["result"] == everything["result"] == [rest.body]
        canceled = await call(client, socket, "openOrders.cancelAll", symbol="BTCUSDT")
        assert canceled["result"][0]["orderId"] == placed["orderId"]
        account = await call(client, socket, "account.status")
        assert (
            account["result"]["balances"]
            == (await client.signed("GET", "/api/v3/account")).body["balances"]
        )


async def test_ws_order_is_in_the_order_log(client: ExchangeClient) -> None:
    async with client.socket(PATH) as socket:
        answer = await call(
            client, socket, "order.place", **LIMIT, quantity="0.1", price="60000", colour="red"
        )
        assert answer["error"]["code"] == -1104
    (line,) = (await client.get("/sim/orders")).body
    assert (line["via"], line["accepted"], line["error"]["code"]) == ("ws-api", False, -1104)
