"""Every fault of websockets, as it comes over the wire."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import pytest

from cryptobot.domain.order import Side
from cryptobot.simulator.market.generated import GeneratedMarket
from cryptobot.simulator.streams import connection as connection_module
from tests.simulator.exchange_client import ExchangeClient, Socket, exchange
from tests.simulator.faults.raw_http_client import fired, orders, set_fault
from tests.simulator.scripted_market import ScriptedMarket
from tests.simulator.test_streams import subscribe
from tests.simulator.test_ws_api import LIMIT, PATH, SUBSCRIBE, call

TRADE = "btcusdt@trade"
TERMS = {**LIMIT, "quantity": "0.1", "price": "60000", "newClientOrderId": "ws-1"}


class Trades:
    """Prints trades one after the other, with rising amounts."""

    def __init__(self, client: ExchangeClient, market: ScriptedMarket) -> None:
        self._client = client
        self._market = market
        self._second = 0

    def happen(self, *amounts: str) -> None:
        for amount in amounts:
            self._second += 1
            self._market.trade(self._second, "64001", amount, Side.BUY)
            self._client.pass_time(1)


@pytest.fixture
def trades(client: ExchangeClient, market: ScriptedMarket) -> Trades:
    return Trades(client, market)


@asynccontextmanager
async def listening(client: ExchangeClient, *names: str) -> AsyncIterator[Socket]:
    async with client.socket("/ws") as socket:
        await subscribe(socket, *(names or (TRADE,)))
        yield socket


async def amounts(socket: Socket, number: int) -> list[str]:
    return [(await socket.hear())["q"][:3] for _ in range(number)]


async def ended(socket: Socket) -> aiohttp.WSMessage:
    async with asyncio.timeout(10):
        return await socket.raw.receive()


@pytest.mark.parametrize(
    ("fault", "sent", "heard"),
    [
        ({"kind": "drop", "count": 1}, ["0.1", "0.2"], ["0.2"]),
        ({"kind": "duplicate", "count": 1}, ["0.1", "0.2"], ["0.1", "0.1", "0.2"]),
        ({"kind": "reorder", "count": 1}, ["0.1", "0.2", "0.3"], ["0.2", "0.1", "0.3"]),
        ({"kind": "reorder"}, ["0.1", "0.2", "0.3", "0.4"], ["0.2", "0.1", "0.4", "0.3"]),
        ({"kind": "drop", "skip": 1, "count": 1}, ["0.1", "0.2", "0.3"], ["0.1", "0.3"]),
        ({"kind": "patch", "fields": {"q": "9.9"}, "count": 1}, ["0.1", "0.2"], ["9.9", "0.2"]),
        ({"kind": "drop", "match": {"symbol": "ETHUSDT"}}, ["0.1"], ["0.1"]),
        ({"kind": "drop", "match": {"stream": "*@depth*"}}, ["0.1"], ["0.1"]),
        ({"kind": "drop", "match": {"channel": "user"}}, ["0.1"], ["0.1"]),
    ],
    ids=str,
)
async def test_events_are_lost_doubled_swapped_or_changed(
    client: ExchangeClient,
    trades: Trades,
    fault: dict[str, Any],
    sent: list[str],
    heard: list[str],
) -> None:
    async with listening(client) as socket:
        await set_fault(client, **fault)
        trades.happen(*sent)
        assert await amounts(socket, len(heard)) == heard


async def test_combined_stream_suffers_in_its_wrapping(
    client: ExchangeClient, trades: Trades
) -> None:
    async with client.socket(f"/stream?streams={TRADE}") as socket:
        await socket.ask({"method": "LIST_SUBSCRIPTIONS", "id": 1})
        await set_fault(client, kind="patch", fields={"q": "9.9"})
        trades.happen("0.1")
        assert await socket.hear() == {
            "stream": TRADE, "data": {**(await raw_trade(client)), "q": "9.9"},
        }  # fmt: skip


async def raw_trade(client: ExchangeClient) -> dict[str, Any]:
    (printed,) = (await client.get("/api/v3/trades", symbol="BTCUSDT")).body
    return {
        "e": "trade", "E": printed["time"], "s": "BTCUSDT", "t": printed["id"],
        "p": printed["price"], "q": printed["qty"], "T": printed["time"], "m": False, "M": True,
    }  # fmt: skip


async def test_delayed_event_is_overtaken_by_those_the_fault_is_not_for(
    client: ExchangeClient, trades: Trades
) -> None:
    async with listening(client) as socket:
        await set_fault(client, kind="delay", delay_ms=100, count=2)
        trades.happen("0.1", "0.2", "0.3")
        assert await amounts(socket, 3) == ["0.3", "0.1", "0.2"]


async def test_events_on_a_jittery_link_keep_their_order(
    client: ExchangeClient, trades: Trades
) -> None:
    sent = [f"0.{digit}" for digit in range(1, 9)]
    async with listening(client) as socket:
        await set_fault(client, kind="delay", delay_ms=0, jitter_ms=100, seed=3)
        trades.happen(*sent)
        assert await amounts(socket, len(sent)) == sent


async def test_malformed_frame_is_no_json_and_the_socket_lives(
    client: ExchangeClient, trades: Trades
) -> None:
    async with listening(client) as socket:
        await set_fault(client, kind="malformed", count=1)
        trades.happen("0.1", "0.2")
        broken = await ended(socket)
        assert broken.type is aiohttp.WSMsgType.TEXT
        with pytest.raises(json.JSONDecodeError):
            json.loads(broken.data)
        assert await amounts(socket, 1) == ["0.2"]


async def test_dropped_depth_update_leaves_a_gap() -> None:
    async with exchange(GeneratedMarket(4)) as client, client.socket("/ws") as socket:
        await subscribe(socket, "btcusdt@depth@100ms")
        await set_fault(client, kind="drop", match={"event": "depthUpdate"}, skip=2, count=1)
        for _ in range(4):
            client.pass_time(0.3)
        first, second, third = [await socket.hear() for _ in range(3)]
        assert second["U"] == first["u"] + 1
        assert third["U"] > second["u"] + 1


@pytest.mark.parametrize("path", ["/ws", PATH])
@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1001, "Going away"), (1008, "x")])
async def test_open_sockets_are_closed_with_a_code(
    client: ExchangeClient, path: str, code: int, reason: str
) -> None:
    async with client.socket(path) as one, client.socket(path) as two:
        await set_fault(client, kind="close", close_code=code, reason=reason, for_s=0)
        for socket in (one, two):
            message = await ended(socket)
            assert (message.type, message.data, message.extra) == (
                aiohttp.WSMsgType.CLOSE, code, reason,
            )  # fmt: skip
        assert await fired(client) == [2]
        async with client.socket(path) as later:  # it was for those that were open
            await later.ask({"method": "ping", "id": 1})


@pytest.mark.parametrize("fault", [{"kind": "reset"}, {"kind": "close", "close_code": 1006}])
async def test_open_sockets_are_cut_without_a_word(
    client: ExchangeClient, fault: dict[str, Any]
) -> None:
    async with client.socket("/ws") as socket:
        await set_fault(client, **fault, match={"channel": "market"}, for_s=0)
        message = await ended(socket)
        assert message.type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
        assert socket.raw.close_code == 1006


async def test_count_cuts_the_oldest_sockets_first(client: ExchangeClient) -> None:
    async with client.socket("/ws") as one, client.socket("/ws") as two:
        await set_fault(client, kind="close", count=1, for_s=0)
        assert (await ended(one)).data == 1001
        await two.ask({"method": "LIST_SUBSCRIPTIONS", "id": 1})


async def test_fault_of_one_channel_spares_the_other(client: ExchangeClient) -> None:
    async with client.socket("/ws") as market, client.socket(PATH) as user:
        await set_fault(client, kind="close", match={"channel": "user"}, for_s=0)
        assert (await ended(user)).data == 1001
        await market.ask({"method": "LIST_SUBSCRIPTIONS", "id": 1})


async def test_scheduled_cut_happens_when_its_time_comes(
    client: ExchangeClient, market: ScriptedMarket
) -> None:
    del market
    async with client.socket("/ws") as socket:
        await set_fault(client, kind="close", after_s=30, for_s=0)
        client.pass_time(29)
        await socket.ask({"method": "LIST_SUBSCRIPTIONS", "id": 1})
        client.pass_time(2)
        assert (await ended(socket)).data == 1001


async def pinged(socket: aiohttp.ClientWebSocketResponse, times: int) -> None:
    """Wait for so many pings."""
    async with asyncio.timeout(10):
        while times:
            times -= (await socket.receive()).type is aiohttp.WSMsgType.PING


async def drained(socket: aiohttp.ClientWebSocketResponse) -> list[aiohttp.WSMessage]:
    """Return what has come so far."""
    left: list[aiohttp.WSMessage] = []
    with suppress(TimeoutError):
        while True:
            left.append(await socket.receive(timeout=0.05))
    return left


async def test_silent_socket_stays_open_and_says_nothing(
    client: ExchangeClient, trades: Trades, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "PING_EVERY_S", 0.01)
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{client.base}/ws/{TRADE}", autoping=False) as silent,
    ):
        await pinged(silent, 1)
        await set_fault(client, kind="silence", for_s=0)
        await drained(silent)  # what was on its way when silence fell
        async with session.ws_connect(f"{client.base}/ws/{TRADE}", autoping=False) as loud:
            await silent.send_str('{"method":"LIST_SUBSCRIPTIONS","id":1}')
            await silent.ping(b"anybody?")
            trades.happen("0.1")
            await pinged(loud, 3)
            assert await drained(silent) == []
            assert not silent.closed


@pytest.mark.parametrize(("path", "wrapped"), [("/ws", False), (PATH, True)])
async def test_shutdown_is_announced_then_the_socket_closes(
    client: ExchangeClient, path: str, *, wrapped: bool
) -> None:
    async with client.socket(path) as socket:
        await set_fault(client, kind="shutdown", close_after_s=0, for_s=0)
        event = await socket.hear()
        assert (event["event"] if wrapped else event) == {
            "e": "serverShutdown", "E": client.now_ms,
        }  # fmt: skip
        message = await ended(socket)
        assert (message.data, message.extra) == (1001, "Server shutdown")


async def test_event_may_cut_its_own_socket(client: ExchangeClient, trades: Trades) -> None:
    async with listening(client) as socket:
        await set_fault(client, kind="reset", match={"stream": TRADE}, count=1)
        trades.happen("0.1")
        assert (await ended(socket)).type is not aiohttp.WSMsgType.TEXT
        assert socket.raw.close_code == 1006


async def test_subscribe_is_refused_with_code_and_words(
    client: ExchangeClient, trades: Trades
) -> None:
    async with client.socket("/ws") as socket:
        await set_fault(client, kind="refuse_subscribe", match={"stream": "*@trade"}, count=1)
        request = {"method": "SUBSCRIBE", "params": [TRADE], "id": 7}
        assert await socket.ask(request) == {
            "error": {"code": 2, "msg": "Invalid request"}, "id": 7,
        }  # fmt: skip
        await subscribe(socket, TRADE)
        trades.happen("0.1")
        assert await amounts(socket, 1) == ["0.1"]


@pytest.mark.parametrize("path", ["/ws", "/ws/0", "/stream", PATH])
async def test_connect_is_refused_with_retry_after(client: ExchangeClient, path: str) -> None:
    await set_fault(client, kind="refuse_connect", retry_after_s=30, count=1)
    with pytest.raises(aiohttp.WSServerHandshakeError) as error:
        async with client.socket(path):
            pass
    assert error.value.status == 429
    assert error.value.headers is not None
    assert error.value.headers["Retry-After"] == "30"
    async with client.socket(path):
        pass


async def test_answer_on_the_ws_api_comes_twice_and_the_work_is_done_once(
    client: ExchangeClient,
) -> None:
    async with client.socket(PATH) as socket:
        await set_fault(client, kind="duplicate", match={"operation": "place_order"}, count=1)
        first = await call(client, socket, "order.place", **TERMS)
        assert await socket.hear() == first
        assert first["status"] == 200
        assert (await call(client, socket, "ping"))["status"] == 200
    assert len(await orders(client)) == 1


# The account's events


async def events(socket: Socket, number: int) -> list[dict[str, Any]]:
    return [(await socket.hear())["event"] for _ in range(number)]


async def test_partial_fill_may_come_after_the_fill_that_follows_it(
    client: ExchangeClient,
) -> None:
    async with client.socket(PATH) as socket:
        await call(client, socket, SUBSCRIBE)
        await set_fault(
            client,
            kind="reorder",
            match={"event": "executionReport", "execution": "TRADE"},
            count=1,
        )
        await client.order("BUY", "MARKET", quantity="1.5")
        reports = [one for one in await events(socket, 6) if one["e"] == "executionReport"]
    assert [report["X"] for report in reports] == ["NEW", "FILLED", "PARTIALLY_FILLED"]
    assert [report["z"][:3] for report in reports] == ["0.0", "1.5", "1.0"]


async def test_fill_may_never_be_told(client: ExchangeClient) -> None:
    async with client.socket(PATH) as socket:
        await call(client, socket, SUBSCRIBE)
        await set_fault(client, kind="drop", match={"execution": "TRADE", "side": "BUY"})
        await client.order("BUY", "MARKET", quantity="0.5", newClientOrderId="x-1")
        told = [one["e"] for one in await events(socket, 3)]
        assert told == ["executionReport", "outboundAccountPosition", "outboundAccountPosition"]
    mine = await client.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT")
    assert len(mine.body) == 1


async def test_fault_for_one_client_order_id_follows_its_cancel(client: ExchangeClient) -> None:
    async with client.socket(PATH) as socket:
        await call(client, socket, SUBSCRIBE)
        await set_fault(client, kind="duplicate", match={"client_order_id": "x-"})
        await client.limit("BUY", "0.1", "60000", newClientOrderId="x-1")
        await client.signed("DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="x-1")
        told = [one.get("x") for one in await events(socket, 6)]
    assert told == ["NEW", "NEW", None, "CANCELED", "CANCELED", None]


# Requests on the ws-api


async def ask_under(client: ExchangeClient, socket: Socket, **fault: Any) -> None:
    await set_fault(client, match={"method": "order.place"}, count=1, **fault)
    await socket.say({"id": "p", "method": "order.place", "params": client.ws_params(**TERMS)})


@pytest.mark.parametrize(("when", "taken"), [("before", []), ("after", ["ws-1"])])
@pytest.mark.parametrize("kind", ["reset", "close"])
async def test_socket_dies_before_the_answer(
    client: ExchangeClient, kind: str, when: str, taken: list[str]
) -> None:
    async with client.socket(PATH) as socket:
        await ask_under(client, socket, kind=kind, when=when)
        assert (await ended(socket)).type is not aiohttp.WSMsgType.TEXT
        assert socket.raw.close_code == (1006 if kind == "reset" else 1001)
    assert await orders(client) == taken


@pytest.mark.parametrize(("when", "taken"), [("before", []), ("after", ["ws-1"])])
async def test_request_is_never_answered(
    client: ExchangeClient, when: str, taken: list[str]
) -> None:
    async with client.socket(PATH) as socket:
        await ask_under(client, socket, kind="hang", when=when)
        answer = await socket.ask({"id": "later", "method": "ping"})
        assert answer["id"] == "later"
    assert await orders(client) == taken


@pytest.mark.parametrize(("when", "taken"), [("before", []), ("after", ["ws-1"])])
async def test_answer_is_any_status_and_code(
    client: ExchangeClient, when: str, taken: list[str]
) -> None:
    async with client.socket(PATH) as socket:
        await ask_under(client, socket, kind="reply", when=when, status=504, code=-1007, msg="?")
        answer = await socket.hear()
    assert answer == {"id": "p", "status": 504, "error": {"code": -1007, "msg": "?"}}
    assert await orders(client) == taken


async def test_answer_is_any_body_or_half_of_its_own(client: ExchangeClient) -> None:
    async with client.socket(PATH) as socket:
        await ask_under(client, socket, kind="reply", body={"orderId": None})
        assert await socket.hear() == {"id": "p", "status": 200, "result": {"orderId": None}}
        await ask_under(client, socket, kind="reply", body="<html>")
        assert (await ended(socket)).data == "<html>"
        await ask_under(client, socket, kind="truncate")
        with pytest.raises(json.JSONDecodeError):
            await socket.hear()


async def test_answer_is_an_ack_or_patched(client: ExchangeClient) -> None:
    async with client.socket(PATH) as socket:
        await ask_under(client, socket, kind="ack_only")
        assert "status" not in (await socket.hear())["result"]
        await set_fault(client, kind="patch", fields={"serverTime": 0})
        assert (await socket.ask({"id": 1, "method": "time"}))["result"] == {"serverTime": 0}


@pytest.mark.parametrize("when", ["before", "after"])
async def test_slow_request_lets_others_pass(client: ExchangeClient, when: str) -> None:
    async with client.socket(PATH) as socket:
        await ask_under(client, socket, kind="delay", when=when, delay_ms=200)
        assert (await socket.ask({"id": "later", "method": "ping"}))["id"] == "later"
        assert (await socket.hear())["id"] == "p"
    assert await orders(client) == ["ws-1"]


async def test_requests_on_the_ws_api_are_in_the_request_log(client: ExchangeClient) -> None:
    async with client.socket(PATH) as socket:
        fault = await set_fault(client, kind="reply", when="before", match={"method": "depth"})
        await call(client, socket, "ping")
        await call(client, socket, "depth", symbol="X")
        await call(client, socket, "trades.recent", symbol="X")
        lines = (await client.get("/sim/requests")).body
    assert [(line["method"], line["path"], line["faults"]) for line in lines] == [
        ("GET", PATH, []),
        ("WS", "ping", []),
        ("WS", "depth", [fault]),
        ("WS", "trades.recent", []),
    ]  # fmt: skip
    assert [(line["status"], line["code"]) for line in lines[1:]] == [
        (200, None), (503, -1000), (400, -1121),
    ]  # fmt: skip


@pytest.mark.parametrize("method", ["session.logon", "userDataStream.subscribe"])
async def test_sessions_are_refused_to_the_hmac_key(client: ExchangeClient, method: str) -> None:
    async with client.socket(PATH) as socket:
        answer = await call(client, socket, method)
        assert answer["error"]["code"] in {-4056, -2015}
        assert (await call(client, socket, "session.status"))["result"]["apiKey"] is None
