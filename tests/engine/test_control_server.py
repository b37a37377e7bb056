"""JSON-RPC over a real socket: whatever comes in is answered with the right error."""

import asyncio
import json
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from cryptobot.control.protocol import MAX_LINE, ErrorCode, RpcError, Topic
from cryptobot.domain.errors import JournalUnavailable, NotSent, UserError
from cryptobot.engine import control_server, publisher
from cryptobot.engine.control_server import ControlServer, Handler
from cryptobot.engine.publisher import Publisher, Subscriber
from cryptobot.trading.order_gateway import UnknownOrder

from .raw_client import RawClient

ERRORS: dict[str, tuple[Exception, ErrorCode]] = {
    "rpc": (
        RpcError(ErrorCode.LIVE_REFUSED, "live refused", {"failed": []}),
        ErrorCode.LIVE_REFUSED,
    ),
    "journal": (JournalUnavailable("disk full"), ErrorCode.JOURNAL_UNAVAILABLE),
    "unknown": (UnknownOrder("no order 1"), ErrorCode.NOT_FOUND),
    "user": (UserError("no strategy x"), ErrorCode.INVALID_PARAMS),
    "venue": (NotSent("no route", "network"), ErrorCode.FAILED),
    "bug": (ZeroDivisionError("division by zero"), ErrorCode.INTERNAL_ERROR),
}


class Server:
    """A control server with methods for tests."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.publisher = Publisher()
        self.called: list[str] = []
        self.hold = asyncio.Event()
        self.held = 0
        self.cancelled = 0
        methods: dict[str, Handler] = {
            "echo": self._echo,
            "fail": self._fail,
            "wait": self._wait,
            "big": self._big,
            "odd": self._odd,
            "subscribe": self._subscribe,
        }
        self.server = ControlServer(path, methods, self.publisher)

    async def _echo(self, params: Mapping[str, Any], _: Subscriber) -> object:
        self.called.append("echo")
        return dict(params)

    async def _fail(self, params: Mapping[str, Any], _: Subscriber) -> object:
        raise ERRORS[params["kind"]][0]

    async def _wait(self, _: Mapping[str, Any], __: Subscriber) -> object:
        self.held += 1
        try:
            await self.hold.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return "done"

    async def _big(self, _: Mapping[str, Any], __: Subscriber) -> object:
        self.called.append("big")
        return "x" * 200_000

    async def _odd(self, _: Mapping[str, Any], __: Subscriber) -> object:
        return "half \ud800"

    async def _subscribe(self, params: Mapping[str, Any], subscriber: Subscriber) -> object:
        subscriber.topics = frozenset(Topic(topic) for topic in params["topics"])
        return len(subscriber.topics)


@pytest.fixture
def socket_path(user_home: Path) -> Path:
    user_home.mkdir(parents=True)
    return user_home / "control.sock"


@pytest.fixture
async def server(socket_path: Path) -> AsyncIterator[Server]:
    server = Server(socket_path)
    await server.server.start()
    yield server
    await server.server.close()


Connect = Callable[[], Awaitable[RawClient]]


@pytest.fixture
async def connect(socket_path: Path) -> AsyncIterator[Connect]:
    clients: list[RawClient] = []

    async def connect() -> RawClient:
        clients.append(await RawClient.to(socket_path))
        return clients[-1]

    yield connect
    for client in clients:
        await client.close()


@pytest.fixture
async def client(server: Server, connect: Connect) -> RawClient:
    del server  # it only has to be there
    return await connect()


MALFORMED: list[tuple[str, bytes | str, ErrorCode, object]] = [
    ("text", "hello", ErrorCode.PARSE_ERROR, None),
    ("cut off", '{"jsonrpc": "2.0", "id": 1', ErrorCode.PARSE_ERROR, None),
    ("not utf-8", b'{"jsonrpc": "2.0", "id": "\xff"}', ErrorCode.PARSE_ERROR, None),
    (
        "nan",
        '{"jsonrpc":"2.0","id":1,"method":"echo","params":{"x":NaN}}',
        ErrorCode.PARSE_ERROR,
        None,
    ),
    ("deep", "[" * 20_000, ErrorCode.PARSE_ERROR, None),
    ("batch", '[{"jsonrpc":"2.0","id":1,"method":"echo"}]', ErrorCode.INVALID_REQUEST, None),
    ("number", "7", ErrorCode.INVALID_REQUEST, None),
    ("null", "null", ErrorCode.INVALID_REQUEST, None),
    ("empty object", "{}", ErrorCode.INVALID_REQUEST, None),
    ("old version", '{"jsonrpc":"1.0","id":4,"method":"echo"}', ErrorCode.INVALID_REQUEST, 4),
    ("no method", '{"jsonrpc":"2.0","id":"a"}', ErrorCode.INVALID_REQUEST, "a"),
    ("odd method", '{"jsonrpc":"2.0","id":5,"method":7}', ErrorCode.INVALID_REQUEST, 5),
    ("odd id", '{"jsonrpc":"2.0","id":{},"method":"echo"}', ErrorCode.INVALID_REQUEST, None),
    ("broken id", '{"jsonrpc":"2.0","id":1.5,"method":"echo"}', ErrorCode.INVALID_REQUEST, None),
    (
        "positional",
        '{"jsonrpc":"2.0","id":6,"method":"echo","params":[1]}',
        ErrorCode.INVALID_REQUEST,
        6,
    ),
    (
        "unknown method",
        '{"jsonrpc":"2.0","id":8,"method":"order.steal"}',
        ErrorCode.METHOD_NOT_FOUND,
        8,
    ),
]


@pytest.mark.parametrize(
    ("line", "code", "request_id"),
    [row[1:] for row in MALFORMED],
    ids=[row[0] for row in MALFORMED],
)
async def test_request_malformed_is_answered_and_the_connection_stays(
    client: RawClient, line: bytes | str, code: ErrorCode, request_id: object
) -> None:
    answer = await client.ask(line)
    assert answer["jsonrpc"] == "2.0"
    assert (answer["error"]["code"], answer["id"]) == (code, request_id)
    assert "\n" not in answer["error"]["message"]
    assert (await client.call("echo", "next", x=1))["result"] == {"x": 1}


@pytest.mark.parametrize("kind", ERRORS)
async def test_request_that_fails_has_the_code_of_its_failure(client: RawClient, kind: str) -> None:
    error, code = ERRORS[kind]
    answer = await client.call("fail", kind=kind)
    assert answer["error"]["code"] == code
    said = "see engine.log" if kind == "bug" else str(error)
    assert said in answer["error"]["message"]
    assert ("data" in answer["error"]) == (kind == "rpc")
    assert "result" in await client.call("echo")


async def test_request_with_an_answer_no_json_can_hold_is_an_internal_error(
    client: RawClient,
) -> None:
    assert (await client.call("odd"))["error"]["code"] == ErrorCode.INTERNAL_ERROR
    assert "result" in await client.call("echo")


async def test_notification_without_an_id_is_carried_out_and_not_answered(
    server: Server, client: RawClient
) -> None:
    await client.send({"jsonrpc": "2.0", "method": "echo"})
    await client.send({"jsonrpc": "2.0", "method": "fail", "params": {"kind": "user"}})
    await client.send("")
    answer = await client.call("echo", "mine")
    assert answer["id"] == "mine"
    assert server.called == ["echo", "echo"]


async def test_request_longer_than_the_limit_is_answered_and_hung_up_on(
    client: RawClient, connect: Connect
) -> None:
    answer = await client.ask('{"jsonrpc":"2.0","id":1,"method":"' + "x" * MAX_LINE + '"}')
    assert answer["error"]["code"] == ErrorCode.INVALID_REQUEST
    assert str(MAX_LINE) in answer["error"]["message"]
    assert await client.hung_up()
    another = await connect()
    assert "result" in await another.call("echo")


async def test_request_that_never_ends_is_not_kept_in_memory(client: RawClient) -> None:
    client.writer.write(b"x" * (4 * MAX_LINE))
    assert (await client.receive())["error"]["code"] == ErrorCode.INVALID_REQUEST


async def test_requests_in_a_flood_are_each_answered_once(
    server: Server, client: RawClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_server, "RATE_PER_S", 100.0)
    total = 1_200
    for number in range(total):
        client.writer.write(
            json.dumps({"jsonrpc": "2.0", "id": number, "method": "echo"}).encode() + b"\n"
        )
    answers = [await client.receive() for _ in range(total)]
    assert sorted(answer["id"] for answer in answers) == list(range(total))
    refused = [answer for answer in answers if "error" in answer]
    assert {answer["error"]["code"] for answer in refused} == {ErrorCode.RATE_LIMITED}
    assert len(server.called) == total - len(refused)


async def test_answers_that_nobody_reads_stop_the_reading_of_requests(
    server: Server, client: RawClient, connect: Connect
) -> None:
    line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "big"}).encode() + b"\n"
    client.writer.write(line * 900)
    other = await connect()
    for _ in range(300):  # turns of the loop in which a greedy server would go on
        await other.call("echo")
    taken = server.called.count("big")
    assert taken <= 2 * control_server.MAX_CONCURRENT
    for _ in range(900):
        await client.receive()
    assert server.called.count("big") == 900


async def test_slow_request_does_not_hold_up_the_next(server: Server, client: RawClient) -> None:
    await client.send({"jsonrpc": "2.0", "id": "slow", "method": "wait"})
    assert (await client.call("echo", "quick"))["id"] == "quick"
    server.hold.set()
    assert (await client.receive())["id"] == "slow"


async def test_client_that_hangs_up_ends_its_requests_and_is_forgotten(
    server: Server, client: RawClient
) -> None:
    await client.send({"jsonrpc": "2.0", "id": 1, "method": "wait"})
    await client.call("echo")
    assert server.held == 1
    await client.close()
    async with asyncio.timeout(10):
        while server.server.connections:
            await asyncio.gather(*server.server._connections)
    assert server.cancelled == 1
    assert not server.publisher.wanted(Topic.ORDERS)


@pytest.mark.usefixtures("server")
async def test_connections_above_the_limit_are_hung_up_on(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_server, "MAX_CONNECTIONS", 2)
    for _ in range(2):
        await (await connect()).call("echo")
    assert await (await connect()).hung_up()


@pytest.fixture
def abandoned_socket(socket_path: Path) -> Path:
    socket_path.touch()
    return socket_path


def _is_private_socket(path: Path) -> bool:
    mode = path.stat().st_mode
    return stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600


async def test_socket_is_for_its_user_only_and_gone_after_the_end(
    abandoned_socket: Path, connect: Connect
) -> None:
    server = Server(abandoned_socket)
    await server.server.start()
    assert _is_private_socket(abandoned_socket)
    client = await connect()
    await client.call("echo")
    await server.server.close()
    assert await client.hung_up()
    with pytest.raises(FileNotFoundError):
        _is_private_socket(abandoned_socket)


async def test_socket_with_a_path_too_long_says_so_in_one_line(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    server = Server(deep / "control.sock")
    with pytest.raises(UserError, match=r"^control socket .*control\.sock: .+$"):
        await server.server.start()


class TestSubscriptions:
    async def test_orders_are_never_dropped_and_state_is_coalesced(
        self, server: Server, client: RawClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(publisher, "TICK_S", 0.01)
        await client.call("subscribe", topics=["orders", "book", "candles"])
        for number in range(5_000):
            server.publisher.publish(Topic.ORDERS, number)
            server.publisher.publish(Topic.BOOK, number, "BTC/USDT")
            server.publisher.publish(Topic.BOOK, -number, "ETH/USDT")
        orders: list[int] = []
        books: list[int] = []
        while len(orders) < 5_000 or len(books) < 2:
            params = (await client.receive())["params"]
            (orders if params["topic"] == "orders" else books).append(params["data"])
        assert orders == list(range(5_000))
        assert sorted(books) == [-4_999, 4_999]

    async def test_subscribing_again_replaces_the_topics(
        self, server: Server, client: RawClient
    ) -> None:
        await client.call("subscribe", topics=["orders"])
        await client.call("subscribe", topics=["mode"])
        server.publisher.publish(Topic.ORDERS, "not wanted")
        server.publisher.publish(Topic.MODE, "wanted")
        assert (await client.receive())["params"] == {"topic": "mode", "data": "wanted"}
        assert not server.publisher.wanted(Topic.ORDERS)

    async def test_reader_that_is_too_slow_gets_what_was_kept_and_is_hung_up_on(
        self, server: Server, client: RawClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(publisher, "MAX_QUEUED", 10)
        await client.call("subscribe", topics=["orders"])
        for number in range(11):
            server.publisher.publish(Topic.ORDERS, number)
        for number in range(10):
            assert (await client.receive())["params"]["data"] == number
        assert await client.hung_up()

    async def test_log_with_too_many_records_keeps_the_newest_and_counts_the_rest(
        self, server: Server, client: RawClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(publisher, "MAX_LOG_QUEUED", 3)
        await client.call("subscribe", topics=["log"])
        for number in range(10):
            server.publisher.publish(Topic.LOG, {"event": number})
        told = [(await client.receive())["params"]["data"] for _ in range(4)]
        assert told == [{"event": 7}, {"event": 8}, {"event": 9}, {"dropped": 7}]
