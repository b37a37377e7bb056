"""By websocket too, nothing leaves but by leave; what did not leave goes by REST, once."""

import asyncio
from pathlib import Path

import pytest

from cryptobot.domain.clock import SystemClock
from cryptobot.domain.errors import FenceClosed, NotSent, OutcomeUnknown, UserError
from cryptobot.domain.order import OrderState, Side
from cryptobot.trading import ccxt_order_socket
from cryptobot.trading.ccxt_session import CURRENT_GATE, GatedSocket, WireGate
from cryptobot.trading.exchange_client import ExchangeClient, ExchangeConfig
from tests.venues.conftest import Trading, trading
from tests.venues.test_venue_contract import OpenPermit, ShutPermit, limit, market, place

WS_API = {"channel": "ws_api"}
BY_REST, BY_WEBSOCKET, NEVER = ["rest"], ["ws-api"], list[object]()


class Held(OpenPermit):
    """Holds an order back until it is let go; then the fence may have been closed."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.let_go = asyncio.Event()
        self.closed = False
        self.looks = 0

    async def __call__(self) -> None:
        self.asked.set()
        await self.let_go.wait()

    def check(self) -> None:
        self.looks += 1
        if self.closed:
            raise FenceClosed("the mode is paper")


async def test_switch_while_an_order_waits_for_its_permit_stops_it(by_websocket: Trading) -> None:
    request, permit = market(Side.BUY, "0.1"), Held()
    waiting = asyncio.create_task(by_websocket.client.place_order(request, permit))
    await permit.asked.wait()
    permit.closed = True
    permit.let_go.set()
    with pytest.raises(FenceClosed):
        await waiting
    assert by_websocket.came(request.client_order_id) == NEVER
    assert by_websocket.placed() == ["not_sent"]
    after = market(Side.BUY, "0.1")
    await place(by_websocket.client, after)
    assert by_websocket.came(after.client_order_id) == BY_WEBSOCKET


async def test_switch_while_the_websocket_is_opened_again_stops_an_order_by_either_way(
    by_websocket: Trading,
) -> None:
    request, permit = market(Side.BUY, "0.1"), Held()
    waiting = asyncio.create_task(by_websocket.client.place_order(request, permit))
    await permit.asked.wait()
    by_websocket.fault("hang", match=WS_API, when="before")  # the new connection is never answered
    by_websocket.cut()
    await by_websocket.order_entry("disconnected")
    permit.closed = True
    permit.let_go.set()
    with pytest.raises(FenceClosed):
        await waiting
    later = market(Side.BUY, "0.1")
    with pytest.raises(FenceClosed):
        await by_websocket.client.place_order(later, ShutPermit())
    for each in (request, later):
        assert by_websocket.came(each.client_order_id) == NEVER


async def test_order_whose_websocket_is_lost_while_it_waits_goes_once_by_rest(
    by_websocket: Trading,
) -> None:
    request, permit = market(Side.BUY, "0.1"), Held()
    waiting = asyncio.create_task(by_websocket.client.place_order(request, permit))
    await permit.asked.wait()
    by_websocket.cut()
    await by_websocket.order_entry("disconnected")
    await by_websocket.order_entry("connected")  # it is up again, and not for this order
    permit.let_go.set()
    assert (await waiting).state is OrderState.FILLED
    assert by_websocket.came(request.client_order_id) == BY_REST
    assert by_websocket.placed() == ["ok"]


async def test_websocket_that_was_cut_unnoticed_writes_nothing(by_websocket: Trading) -> None:
    socket = _socket(by_websocket)
    request, permit = market(Side.BUY, "0.1"), Held()
    waiting = asyncio.create_task(by_websocket.client.place_order(request, permit))
    await permit.asked.wait()
    socket.abort()  # in this very turn of the loop: nobody has been told
    permit.let_go.set()
    assert (await waiting).state is OrderState.FILLED
    assert by_websocket.came(request.client_order_id) == BY_REST


async def test_nothing_is_awaited_between_the_last_look_and_the_write(
    by_websocket: Trading,
) -> None:
    """Step by step: the coroutine that looks at the fence ends without one more pause."""
    seen: list[str] = []

    class Watched(OpenPermit):
        async def __call__(self) -> None:
            await asyncio.sleep(0)
            seen.append("leave")

        def check(self) -> None:
            seen.append("look")

    gate = WireGate(Watched())
    token = CURRENT_GATE.set(gate)
    try:
        sending = _socket(by_websocket).send_str('{"id": "x", "method": "ping"}')
        sending.send(None)  # to the pause inside the permit
        assert (seen, gate.sent) == ([], False)
        with pytest.raises(StopIteration):
            sending.send(None)
    finally:
        CURRENT_GATE.reset(token)
    assert (seen, gate.sent) == (["leave", "look"], True)


async def test_switch_right_after_the_look_comes_after_the_write(by_websocket: Trading) -> None:
    """What the look lets through is with the transport before any other callback runs."""
    turns: list[bool] = []
    protocol = _socket(by_websocket)._writer

    class Switches(OpenPermit):
        def check(self) -> None:
            before = protocol._output_size
            asyncio.get_running_loop().call_soon(
                lambda: turns.append(protocol._output_size > before)
            )

    await by_websocket.client.place_order(market(Side.BUY, "0.1"), Switches())
    assert turns == [True]


async def test_frames_are_not_compressed(by_websocket: Trading) -> None:
    assert _socket(by_websocket).compress == 0


async def test_socket_that_compresses_is_not_used_for_orders(by_websocket: Trading) -> None:
    _socket(by_websocket)._compress = 15
    request = market(Side.BUY, "0.1")
    await place(by_websocket.client, request)
    assert by_websocket.came(request.client_order_id) == BY_REST


async def test_order_write_outside_the_gateway_is_stopped(by_websocket: Trading) -> None:
    ccxt = by_websocket.client._orders
    with pytest.raises(FenceClosed):
        await ccxt.create_order_ws("BTC/USDT", "market", "buy", "0.1")
    socket = await ccxt.session.ws_connect(ccxt.urls["api"]["ws"]["ws-api"]["spot"])
    with pytest.raises(FenceClosed):
        await socket.send_str("{}")
    await socket.close()
    assert by_websocket.simulator.exchange.desk.received == []


async def test_permit_that_cannot_be_given_sends_nothing_by_either_way(
    by_websocket: Trading,
) -> None:
    class Unjournalled(OpenPermit):
        async def __call__(self) -> None:
            raise NotSent("the intent is not on disk", "journal")

    request = market(Side.BUY, "0.1")
    with pytest.raises(NotSent, match="not on disk"):
        await by_websocket.client.place_order(request, Unjournalled())
    assert by_websocket.came(request.client_order_id) == NEVER


async def test_permit_that_takes_longer_than_the_time_out_proves_that_nothing_was_sent(
    tmp_path: Path,
) -> None:
    async with trading(tmp_path, order_by_websocket=True, timeout_s=1.0) as at:
        await at.order_entry("connected")
        request = market(Side.BUY, "0.1")
        with pytest.raises(NotSent):
            await at.client.place_order(request, Held())
        assert at.came(request.client_order_id) == NEVER
        after = market(Side.BUY, "0.1")
        await place(at.client, after)  # the connection had no part in it
        assert at.came(after.client_order_id) == BY_WEBSOCKET


async def test_write_that_fails_after_the_look_is_unknown_and_never_sent_by_rest(
    by_websocket: Trading,
) -> None:
    _socket(by_websocket)._writer._closing = True  # aiohttp refuses to write
    request = market(Side.BUY, "0.1")
    with pytest.raises(OutcomeUnknown):
        await place(by_websocket.client, request)
    assert by_websocket.came(request.client_order_id) == NEVER


# Without the websocket


async def test_websocket_that_is_refused_leaves_orders_to_rest_until_it_is_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ccxt_order_socket, "PAUSES_S", (0.0,))
    refused: dict[str, object] = {"kind": "refuse_connect", "match": WS_API, "status": 503}
    async with trading(tmp_path, [refused], order_by_websocket=True) as at:
        assert await at.order_entry("disconnected") == "error"
        request = market(Side.BUY, "0.1")
        assert (await place(at.client, request)).state is OrderState.FILLED
        assert at.came(request.client_order_id) == BY_REST
        at.simulator.plan.clear()
        await at.order_entry("connected")
        request = market(Side.BUY, "0.1")
        await place(at.client, request)
        assert at.came(request.client_order_id) == BY_WEBSOCKET
        assert at.placed() == ["ok", "ok"]


async def test_websocket_is_opened_at_once_when_the_exchange_answers_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ccxt_order_socket, "PAUSES_S", (3600.0,))
    refused: dict[str, object] = {"kind": "refuse_connect", "match": WS_API, "status": 503}
    async with trading(tmp_path, [refused], order_by_websocket=True) as at:
        assert await at.order_entry("disconnected") == "error"
        at.simulator.plan.clear()
        at.client.hasten()
        await at.order_entry("connected")


async def test_websocket_that_is_never_answered_holds_up_neither_start_nor_orders(
    tmp_path: Path,
) -> None:
    hangs: dict[str, object] = {"kind": "hang", "match": WS_API, "when": "before"}
    async with trading(tmp_path, [hangs], order_by_websocket=True) as at:
        request = market(Side.BUY, "0.1")
        await place(at.client, request)
        assert at.came(request.client_order_id) == BY_REST


async def test_address_that_opened_too_many_websockets_still_orders_by_rest(
    tmp_path: Path,
) -> None:
    refused: dict[str, object] = {"kind": "refuse_connect", "match": WS_API, "retry_after_s": 60}
    async with trading(tmp_path, [refused], order_by_websocket=True) as at:
        await at.order_entry("disconnected")
        assert at.client.traffic.silence("ws-api.binance.com") is not None
        request = market(Side.BUY, "0.1")
        await place(at.client, request)
        assert at.came(request.client_order_id) == BY_REST


async def test_lost_websocket_comes_back_by_itself(by_websocket: Trading) -> None:
    for _ in range(2):
        by_websocket.cut()
        await by_websocket.order_entry("disconnected")
        await by_websocket.order_entry("connected")
        request = market(Side.BUY, "0.1")
        await place(by_websocket.client, request)
        assert by_websocket.came(request.client_order_id) == BY_WEBSOCKET


async def test_connection_that_brings_no_answer_in_time_gets_no_more_orders(
    tmp_path: Path,
) -> None:
    async with trading(tmp_path, order_by_websocket=True, timeout_s=1.0) as at:
        await at.order_entry("connected")
        at.fault("hang", match={"operation": "place_order"}, count=1)
        with pytest.raises(OutcomeUnknown):
            await place(at.client, market(Side.BUY, "0.1"))
        request = market(Side.BUY, "0.1")
        await place(at.client, request)
        assert at.came(request.client_order_id) == BY_REST
        await at.order_entry("disconnected")


async def test_exchange_that_says_goodbye_gets_no_more_orders_by_that_connection(
    by_websocket: Trading,
) -> None:
    by_websocket.fault("delay", match={"operation": "place_order"}, delay_ms=300, when="after")
    flying = asyncio.create_task(place(by_websocket.client, market(Side.BUY, "0.1")))
    async with asyncio.timeout(10):
        while not by_websocket.simulator.exchange.desk.received:
            await by_websocket.client.book("BTC/USDT")
    goodbye = b'{"event": {"e": "serverShutdown", "E": 1}}'
    (connection,) = by_websocket.simulator.sockets
    connection.send(goodbye)
    await by_websocket.order_entry("disconnected")
    assert flying.done()  # the one in flight had its answer first
    assert (await flying).state is OrderState.FILLED
    await by_websocket.order_entry("connected")


async def test_exchange_that_falls_silent_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ccxt_order_socket, "HEARTBEAT_S", 0.6)
    async with trading(tmp_path, order_by_websocket=True) as at:
        await at.order_entry("connected")
        (connection,) = at.simulator.sockets
        connection.mute()
        assert await at.order_entry("disconnected") == "silent"
        request = market(Side.BUY, "0.1")
        await place(at.client, request)
        assert at.came(request.client_order_id) == BY_REST


async def test_connections_that_bring_nothing_are_opened_more_and_more_seldom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ccxt_order_socket, "PAUSES_S", (0.0, 0.0, 60.0))
    async with trading(tmp_path, order_by_websocket=True) as at:
        for _ in range(3):
            await at.order_entry("connected")
            at.cut()
            await at.order_entry("disconnected")
        request = market(Side.BUY, "0.1")
        await place(at.client, request)  # nobody waits for the next one
        assert at.came(request.client_order_id) == BY_REST


async def test_websocket_stays_closed_while_the_exchange_wants_silence(
    by_websocket: Trading,
) -> None:
    by_websocket.client.traffic.heard(None, 418, {"Retry-After": "60"})
    connects = by_websocket.simulator.sockets.count
    by_websocket.cut()
    await by_websocket.order_entry("disconnected")
    by_websocket.client.hasten()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(by_websocket.client._order_socket.up(), 0.3)  # type: ignore[union-attr]
    assert by_websocket.simulator.sockets.count < connects
    assert by_websocket.events.empty()  # it was not even tried


# Whether there is one


async def test_client_without_keys_opens_no_order_websocket() -> None:
    client = ExchangeClient(ExchangeConfig(id="binance", order_by_websocket=True), SystemClock())
    await client._open()
    assert client._order_socket is None
    await client.close()


async def test_exchange_whose_entry_by_websocket_is_not_proven_is_refused_in_one_line() -> None:
    with pytest.raises(UserError) as refusal:
        ExchangeClient(ExchangeConfig(id="kraken", order_by_websocket=True), SystemClock())
    assert str(refusal.value) == (
        "exchange.order_entry: orders go to kraken by rest only; websocket is proven for binance"
    )


async def test_reads_and_streams_have_a_session_of_their_own_without_a_gate(
    by_websocket: Trading,
) -> None:
    client = by_websocket.client
    assert client._reads.session is not client._orders.session
    assert not issubclass(client._reads.session._ws_response_class, GatedSocket)
    async for _ in client.watch_book("BTC/USDT"):
        break
    assert (await place(client, limit(Side.BUY, "0.01", "60000"))).state is OrderState.ACCEPTED


def _socket(at: Trading) -> GatedSocket:
    order_socket = at.client._order_socket
    assert order_socket is not None
    assert order_socket._socket is not None
    return order_socket._socket
