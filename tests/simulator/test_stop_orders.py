"""Stop and take-profit orders on the wire."""

import pytest

from cryptobot.domain.order import Side
from tests.simulator.exchange_client import ExchangeClient
from tests.simulator.scripted_market import ScriptedMarket
from tests.simulator.test_ws_api import PATH, SUBSCRIBE, call

ORDER = "/api/v3/order"
LIMIT = {"price": "63000", "timeInForce": "GTC"}


@pytest.mark.parametrize(
    ("kind", "side", "stop", "more"),
    [
        ("STOP_LOSS", "SELL", "63500", {}),
        ("STOP_LOSS", "BUY", "64500", {}),
        ("STOP_LOSS_LIMIT", "SELL", "63500", LIMIT),
        ("TAKE_PROFIT", "SELL", "64500", {}),
        ("TAKE_PROFIT", "BUY", "63500", {}),
        ("TAKE_PROFIT_LIMIT", "SELL", "64500", LIMIT),
    ],
)
async def test_order_waits_then_trades(  # noqa: PLR0917 - one per column
    client: ExchangeClient,
    market: ScriptedMarket,
    kind: str,
    side: str,
    stop: str,
    more: dict[str, str],
) -> None:
    market.trade(1, "64000", "0.001", Side.BUY)
    client.pass_time(1)
    placed = await client.order(
        side, kind, quantity="0.1", stopPrice=stop, newOrderRespType="RESULT", **more
    )
    assert (placed.status, placed.body["type"], placed.body["workingTime"]) == (200, kind, -1)
    assert placed.body["stopPrice"] == f"{stop}.00000000"
    named = {"symbol": "BTCUSDT", "orderId": placed.body["orderId"]}
    waiting = (await client.signed("GET", ORDER, **named)).body
    assert (waiting["status"], waiting["isWorking"], waiting["workingTime"]) == ("NEW", False, -1)
    assert (await client.signed("GET", "/api/v3/openOrders")).body == [waiting]
    market.trade(2, stop, "0.001", Side.BUY)
    client.pass_time(1)
    done = (await client.signed("GET", ORDER, **named)).body
    assert (done["status"], done["isWorking"], done["executedQty"]) == (
        "FILLED", True, "0.10000000",
    )  # fmt: skip
    assert done["workingTime"] > done["time"]


async def test_default_answer_is_an_ack(client: ExchangeClient) -> None:
    placed = await client.order("SELL", "STOP_LOSS", quantity="0.1", stopPrice="63500")
    assert placed.body.keys() == {
        "symbol", "orderId", "orderListId", "clientOrderId", "transactTime",
    }  # fmt: skip


async def test_stop_on_the_wrong_side_is_refused(
    client: ExchangeClient, market: ScriptedMarket
) -> None:
    market.trade(1, "64000", "0.001", Side.BUY)
    client.pass_time(1)
    answer = await client.order("SELL", "STOP_LOSS", quantity="0.1", stopPrice="64000")
    assert (answer.code, answer.body["msg"]) == (-2010, "Order would trigger immediately.")


async def test_life_of_a_stop_is_told_to_the_subscriber(
    client: ExchangeClient, market: ScriptedMarket
) -> None:
    async with client.socket(PATH) as socket:
        await call(client, socket, SUBSCRIBE)
        await client.order("SELL", "STOP_LOSS", quantity="0.1", stopPrice="63500")
        market.trade(1, "63500", "0.001", Side.SELL)
        client.pass_time(1)
        events = [(await socket.hear())["event"] for _ in range(6)]
    new, woken, trade = [event for event in events if event["e"] == "executionReport"]
    assert (new["x"], new["o"], new["P"], new["w"]) == (
        "NEW", "STOP_LOSS", "63500.00000000", False,
    )  # fmt: skip
    assert "W" not in new
    assert (woken["x"], woken["X"], woken["w"], woken["W"]) == ("NEW", "NEW", True, woken["T"])
    assert (trade["x"], trade["X"], trade["L"]) == ("TRADE", "FILLED", "64000.00000000")


async def test_cancel_of_a_waiting_order_frees_its_funds(client: ExchangeClient) -> None:
    await client.order("SELL", "STOP_LOSS", quantity="1.5", stopPrice="63500")
    short = await client.order("SELL", "MARKET", quantity="1")
    assert short.code == -2010
    canceled = await client.signed("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")
    assert [order["type"] for order in canceled.body] == ["STOP_LOSS"]
    assert (await client.order("SELL", "MARKET", quantity="1")).status == 200


async def test_exchange_info_lists_every_type(client: ExchangeClient) -> None:
    info = await client.get("/api/v3/exchangeInfo", symbol="BTCUSDT")
    assert set(info.body["symbols"][0]["orderTypes"]) == {
        "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT",
        "TAKE_PROFIT_LIMIT",
    }  # fmt: skip
