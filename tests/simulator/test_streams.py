import asyncio
from decimal import Decimal
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from cryptobot.domain.order import Side
from cryptobot.simulator.intervals import INTERVALS
from cryptobot.simulator.market.generated import GeneratedMarket
from cryptobot.simulator.streams import connection
from cryptobot.simulator.streams.names import Kind, parse
from tests.simulator.exchange_client import START_MS, ExchangeClient, Socket, exchange
from tests.simulator.scripted_market import ScriptedMarket


async def subscribe(socket: Socket, *names: str) -> None:
    answer = await socket.ask({"method": "SUBSCRIBE", "params": list(names), "id": 1})
    assert answer == {"result": None, "id": 1}


@pytest.mark.parametrize("path", ["/ws", "/ws/0", "/ws/anything", "/stream/ws", "/stream/ws/3"])
async def test_raw_socket_answers_and_sends_events_as_they_are(
    client: ExchangeClient, market: ScriptedMarket, path: str
) -> None:
    async with client.socket(path) as socket:
        await subscribe(socket, "btcusdt@trade", "btcusdt@aggTrade")
        market.trade(1, "64001", "0.5", Side.BUY)
        client.pass_time(1)
        assert await socket.hear() in (expected := [trade_event(), aggregate_event()])
        assert await socket.hear() in expected


def trade_event() -> dict[str, Any]:
    at = START_MS + 1000
    return {
        "e": "trade", "E": at, "s": "BTCUSDT", "t": 1, "p": "64001.00000000",
        "q": "0.50000000", "T": at, "m": False, "M": True,
    }  # fmt: skip


def aggregate_event() -> dict[str, Any]:
    at = START_MS + 1000
    return {
        "e": "aggTrade", "E": at, "s": "BTCUSDT", "a": 1, "p": "64001.00000000",
        "q": "0.50000000", "f": 1, "l": 1, "T": at, "m": False, "M": True,
    }  # fmt: skip


async def test_path_may_name_the_stream(client: ExchangeClient, market: ScriptedMarket) -> None:
    async with client.socket("/ws/btcusdt@bookTicker") as socket:
        await socket.ask({"method": "LIST_SUBSCRIPTIONS", "id": "x"})
        market.later(1, bids="64000.5 x 3")
        client.pass_time(1)
        event = await socket.hear()
        assert (event["b"], event["B"], event["a"]) == (
            "64000.50000000",
            "3.00000000",
            "64001.00000000",
        )
        assert "e" not in event


async def test_combined_socket_wraps_events(client: ExchangeClient, market: ScriptedMarket) -> None:
    async with client.socket("/stream?streams=btcusdt@trade/ethusdt@trade") as socket:
        names = await socket.ask({"method": "LIST_SUBSCRIPTIONS", "id": "a"})
        assert names == {"result": ["btcusdt@trade", "ethusdt@trade"], "id": "a"}
        market.trade(1, "64001", "0.5", Side.BUY)
        client.pass_time(1)
        assert await socket.hear() == {"stream": "btcusdt@trade", "data": trade_event()}


async def test_unsubscribed_stream_is_silent(
    client: ExchangeClient, market: ScriptedMarket
) -> None:
    async with client.socket("/ws") as socket:
        await subscribe(socket, "btcusdt@trade", "btcusdt@bookTicker")
        gone = {"method": "UNSUBSCRIBE", "params": ["btcusdt@trade"], "id": 2}
        assert await socket.ask(gone) == {"result": None, "id": 2}
        market.trade(1, "64001", "0.5", Side.BUY)
        market.later(1, bids="64000.5 x 3")
        client.pass_time(1)
        assert "b" in await socket.hear()


@pytest.mark.parametrize(
    "message",
    [
        "{oops",
        "[]",
        {"method": "DANCE", "id": 1},
        {"method": "SUBSCRIBE", "params": "btcusdt@trade", "id": 1},
        {"method": "SUBSCRIBE", "params": ["btcusdt@dance"], "id": 1},
        {"method": "SUBSCRIBE", "params": ["BTCUSDT@trade"], "id": 1},
        {"method": "SUBSCRIBE", "params": [f"btcusdt@x{n}" for n in range(2)], "id": 1},
        {"method": "SET_PROPERTY", "params": ["combined", 3], "id": 1},
    ],
)
async def test_bad_message_gives_error_2_and_the_socket_lives(
    client: ExchangeClient, message: object
) -> None:
    async with client.socket("/ws") as socket:
        await socket.say(message)
        answer = await socket.hear()
        assert answer["error"]["code"] == 2
        await subscribe(socket, "btcusdt@trade")


@pytest.mark.parametrize("name", ["depth5", "depth10", "depth20@100ms"])
async def test_partial_depth_sends_the_best_levels(
    client: ExchangeClient, market: ScriptedMarket, name: str
) -> None:
    async with client.socket("/ws") as socket:
        await subscribe(socket, f"btcusdt@{name}")
        market.later(1, bids="63999.5 x 3")
        client.pass_time(1)
        event = await socket.hear()
        assert [price for price, _ in event["bids"]] == [
            "64000.00000000", "63999.50000000", "63999.00000000", "63990.00000000",
        ]  # fmt: skip
        assert event.keys() == {"lastUpdateId", "bids", "asks"}


async def test_depth_updates_follow_each_other_and_rebuild_the_book() -> None:
    async with exchange(GeneratedMarket(4)) as client, client.socket("/ws") as socket:
        client.pass_time(1)
        await subscribe(socket, "btcusdt@depth@100ms", "btcusdt@depth")
        snapshot = (await client.get("/api/v3/depth", symbol="BTCUSDT", limit=5000)).body
        sides = {"b": dict(snapshot["bids"]), "a": dict(snapshot["asks"])}
        last = snapshot["lastUpdateId"]
        fast = 0
        for step in range(40):
            client.pass_time(0.1)
            if step == 10:  # our own orders are part of the public book
                best = float(
                    (await client.get("/api/v3/depth", symbol="BTCUSDT")).body["bids"][0][0]
                )
                await client.limit("BUY", "0.1", f"{best - 1:.2f}")
                await client.order("SELL", "MARKET", quantity="0.3")
        client.pass_time(0.1)
        done = (await client.get("/api/v3/depth", symbol="BTCUSDT", limit=5000)).body
        while last < done["lastUpdateId"]:
            event = await socket.hear()
            if event["u"] <= last:
                continue
            if event["U"] > last + 1:
                pytest.fail(f"gap: {event['U']} after {last}")
            for name in ("b", "a"):
                for price, amount in event[name]:
                    if Decimal(amount):
                        sides[name][price] = amount
                    else:
                        sides[name].pop(price, None)
            last = event["u"]
            fast += 1
        assert fast > 20
        assert sides == {"b": dict(done["bids"]), "a": dict(done["asks"])}


async def test_fast_depth_has_no_gap_and_no_overlap() -> None:
    async with exchange(GeneratedMarket(4)) as client, client.socket("/ws") as socket:
        await subscribe(socket, "btcusdt@depth@100ms")
        events = []
        for _ in range(30):
            client.pass_time(0.3)
            events.append(await socket.hear())
        for event, later in pairwise(events):
            assert later["U"] == event["u"] + 1
            assert event["U"] <= event["u"]


async def test_kline_closes_once_then_the_next_runs(
    client: ExchangeClient, market: ScriptedMarket
) -> None:
    async with client.socket("/ws") as socket:
        market.trade(0.5, "64001", "0.5", Side.BUY)
        client.pass_time(0.6)
        await subscribe(socket, "btcusdt@kline_1s")
        market.trade(1.1, "64003", "0.1", Side.BUY)
        client.pass_time(0.6)
        closed = await socket.hear()
        while not closed["k"]["x"]:  # the pace task may have told of the running bar before
            assert closed["k"]["t"] == START_MS
            closed = await socket.hear()
        running = await socket.hear()
        assert (closed["k"]["t"], closed["k"]["x"], closed["k"]["c"]) == (
            START_MS, True, "64001.00000000",
        )  # fmt: skip
        assert (running["k"]["t"], running["k"]["x"], running["k"]["c"]) == (
            START_MS + 1000, False, "64003.00000000",
        )  # fmt: skip
        client.pass_time(2)
        later = [await socket.hear() for _ in range(3)]
        assert [event["k"]["x"] for event in later] == [True, True, False]
        assert later[1]["k"]["v"] == "0.00000000"


async def test_tickers_are_sent_every_second(
    client: ExchangeClient, market: ScriptedMarket
) -> None:
    async with client.socket("/ws") as socket:
        await subscribe(
            socket, "btcusdt@miniTicker", "btcusdt@ticker", "!miniTicker@arr", "btcusdt@avgPrice"
        )
        market.trade(0.5, "64001", "0.5", Side.BUY)
        client.pass_time(1)
        events = [await socket.hear() for _ in range(4)]
        kinds = {event["e"] if isinstance(event, dict) else event[0]["e"] for event in events}
        assert kinds == {"24hrMiniTicker", "24hrTicker", "avgPrice"}
        full = next(e for e in events if isinstance(e, dict) and e["e"] == "24hrTicker")
        assert (full["c"], full["b"], full["Q"]) == (
            "64001.00000000", "64000.00000000", "0.50000000",
        )  # fmt: skip


async def test_own_orders_show_in_the_public_streams(client: ExchangeClient) -> None:
    async with client.socket("/ws") as socket:
        await subscribe(socket, "btcusdt@bookTicker", "btcusdt@trade")
        await client.limit("BUY", "0.5", "64000.5")
        assert (await socket.hear())["b"] == "64000.50000000"
        await client.order("BUY", "MARKET", quantity="1")
        events = [await socket.hear(), await socket.hear()]
        assert {event.get("p") or event["a"] for event in events} == {
            "64001.00000000",
            "64002.00000000",
        }


async def test_closed_socket_leaves_no_work_behind(client: ExchangeClient) -> None:
    async with client.socket("/ws") as socket:
        await subscribe(socket, "btcusdt@depth@100ms")
        assert client.simulator.publisher.busy
        await socket.raw.close()
    async with client.socket("/ws/0") as socket:
        await socket.ask({"method": "LIST_SUBSCRIPTIONS", "id": 1})
        assert not client.simulator.publisher.busy


@pytest.mark.parametrize("interval", INTERVALS)
def test_kline_names_are_known(interval: str) -> None:
    parsed = parse(f"ethbtc@kline_{interval}")
    assert parsed is not None
    assert (parsed.kind, parsed.wire, parsed.interval) == (Kind.KLINE, "ETHBTC", interval)


@pytest.mark.parametrize("name", ["", "0", "btcusdt", "@trade", "btcusdt@depth7", "!x@arr"])
def test_other_names_are_not(name: str) -> None:
    assert parse(name) is None


async def test_client_is_pinged_and_one_without_pong_is_cut(
    client: ExchangeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "PING_EVERY_S", 0.01)
    monkeypatch.setattr(connection, "PONG_WITHIN_S", 0.05)
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(client.base + "/ws", autoping=False) as socket,
        asyncio.timeout(10),
    ):
        first = await socket.receive()
        assert first.type is aiohttp.WSMsgType.PING
        while (message := await socket.receive()).type is aiohttp.WSMsgType.PING:
            pass
        assert message.type is aiohttp.WSMsgType.CLOSE
        assert message.data == aiohttp.WSCloseCode.POLICY_VIOLATION
