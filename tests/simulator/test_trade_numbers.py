"""A fill of the account is a public trade too: wherever it shows, it has one number."""

from collections.abc import Iterable
from typing import Any

from cryptobot.domain.order import Side
from tests.simulator.exchange_client import ExchangeClient
from tests.simulator.scripted_market import ScriptedMarket

SUBSCRIBE = "userDataStream.subscribe.signature"


async def own_ids(client: ExchangeClient) -> list[int]:
    answer = await client.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT")
    return [trade["id"] for trade in answer.body]


async def public_ids(client: ExchangeClient) -> list[int]:
    answer = await client.get("/api/v3/trades", symbol="BTCUSDT")
    return [trade["id"] for trade in answer.body]


def numbers(events: Iterable[dict[str, Any]], kind: str) -> list[int]:
    return [event["t"] for event in events if event["e"] == kind and event["t"] != -1]


async def test_taker_fills_after_market_trades_have_the_numbers_of_their_prints(
    client: ExchangeClient, market: ScriptedMarket
) -> None:
    market.trade(1, "64001", "0.1", Side.BUY)
    market.trade(1, "64001", "0.2", Side.BUY)
    client.pass_time(2)
    async with client.socket("/ws-api/v3") as mine, client.socket("/ws/btcusdt@trade") as all_:
        asked = {"id": 1, "method": SUBSCRIBE, "params": client.ws_params()}
        assert (await mine.ask(asked))["status"] == 200
        placed = await client.order("BUY", "MARKET", quantity="1.5")
        told = [(await mine.hear())["event"] for _ in range(6)]
        printed = [await all_.hear() for _ in range(2)]
    assert [fill["tradeId"] for fill in placed.body["fills"]] == [3, 4]
    assert numbers(told, "executionReport") == numbers(printed, "trade") == [3, 4]
    assert await own_ids(client) == [3, 4]
    assert await public_ids(client) == [1, 2, 3, 4]


async def test_maker_fill_by_a_market_trade_has_the_number_of_that_trade(
    client: ExchangeClient, market: ScriptedMarket
) -> None:
    await client.limit("BUY", "0.5", "64000.5")
    market.trade(1, "64002", "0.1", Side.BUY)
    market.trade(1, "64000.5", "0.2", Side.SELL)
    market.trade(1, "64002", "0.1", Side.BUY)
    client.pass_time(2)
    assert await own_ids(client) == [2]
    assert await public_ids(client) == [1, 2, 3]


async def test_orders_filled_by_one_market_trade_have_numbers_that_no_other_fill_has(
    client: ExchangeClient, market: ScriptedMarket
) -> None:
    for price in ("64000.5", "64000.6"):
        await client.limit("BUY", "0.1", price)
    market.trade(1, "64000.5", "0.2", Side.SELL)
    market.trade(2, "64002", "0.1", Side.BUY)
    client.pass_time(3)
    assert await own_ids(client) == [1, 2]
    assert await public_ids(client) == [1, 3]
    await client.order("BUY", "MARKET", quantity="0.1")
    assert await own_ids(client) == [1, 2, 4]
    assert await public_ids(client) == [1, 3, 4]


async def test_maker_fill_by_a_crossing_book_has_the_number_of_its_print(
    client: ExchangeClient, market: ScriptedMarket
) -> None:
    await client.limit("BUY", "0.5", "64000.5")
    market.trade(1, "64002", "0.1", Side.BUY)
    market.later(2, asks="64000.2 x 0.3")
    client.pass_time(3)
    assert await own_ids(client) == [2]
    assert await public_ids(client) == [1, 2]
