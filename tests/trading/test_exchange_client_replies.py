"""Replies that make no sense: a read says so, a stream goes on, a write stays unknown."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals
from typing import Any

import aiohttp
import ccxt
import pytest

from cryptobot.domain.clock import ManualClock
from cryptobot.domain.errors import FenceClosed, OutcomeUnknown, ReadFailed, Silenced
from cryptobot.domain.order import OrderState, OrderType, Side, TimeInForce
from cryptobot.trading import ccxt_streams
from cryptobot.trading.exchange import OrderRequest
from cryptobot.trading.exchange_client import ExchangeClient, ExchangeConfig

SYMBOL = "BTC/USDT"
REQUEST = OrderRequest("cb1", SYMBOL, Side.BUY, OrderType.LIMIT, D(1), D(100), TimeInForce.GTC)
ORDER = {"id": "7", "clientOrderId": "cb1", "symbol": SYMBOL, "status": "open", "filled": "0"}
TRADE = {
    "id": "t1",
    "order": "7",
    "symbol": SYMBOL,
    "side": "buy",
    "price": "100",
    "amount": "1",
    "timestamp": 5,
}


class ScriptedCcxt:
    """Stands where a ccxt instance does: every method gives what the test scripted."""

    def __init__(self) -> None:
        self.options: dict[str, object] = {}
        self.has = {"fetchOrders": True}
        self.clients: dict[str, object] = {}
        self.replies: dict[str, Any] = {}
        self.updates: dict[str, asyncio.Queue[Any]] = {}
        self.markets: dict[str, object] = {SYMBOL: {}}
        self.currencies: dict[str, object] = {}

    async def close(self) -> None:
        pass

    def set_markets(self, markets: object, currencies: object) -> None:
        pass

    def __getattr__(self, method: str) -> Callable[..., Any]:
        async def call(*_: object) -> Any:
            if method.startswith("watch_"):
                reply = await self.updates.setdefault(method, asyncio.Queue()).get()
            else:
                reply = self.replies[method]
            if isinstance(reply, BaseException):
                raise reply
            return reply

        return call


class OpenPermit:
    async def __call__(self) -> None:
        pass

    def check(self) -> None:
        pass


class Client:
    def __init__(self) -> None:
        self.requests: list[tuple[str, str]] = []
        self.stream_events: list[tuple[str, str, str | None]] = []
        self.ccxt = ScriptedCcxt()
        self.client = ExchangeClient(
            ExchangeConfig("binance", "key", "secret"),
            ManualClock(),
            on_request=lambda operation, outcome, _: self.requests.append((operation, outcome)),
            on_stream=self._on_stream,
        )
        self.client._reads = self.client._orders = self.ccxt

    def _on_stream(self, channel: str, _: str | None, event: str, reason: str | None) -> None:
        if event != "message":
            self.stream_events.append((channel, event, reason))


@pytest.fixture
async def at(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Client]:
    monkeypatch.setattr(ccxt_streams, "RETRY_S", (0,))
    at = Client()
    yield at
    await at.client.close()


READS: dict[str, tuple[str, Callable[[ExchangeClient], Any]]] = {
    "open_orders": ("fetch_open_orders", lambda client: client.open_orders(SYMBOL)),
    "closed_orders": ("fetch_orders", lambda client: client.closed_orders(SYMBOL, 0)),
    "my_trades": ("fetch_my_trades", lambda client: client.my_trades(SYMBOL)),
    "balances": ("fetch_balance", lambda client: client.balances()),
    "candles": ("fetch_ohlcv", lambda client: client.candles(SYMBOL, "1m", 2)),
    "book": ("fetch_order_book", lambda client: client.book(SYMBOL)),
    "trades": ("fetch_trades", lambda client: client.trades(SYMBOL, 2)),
    "find_order": ("fetch_order", lambda client: client.find_order(SYMBOL, "cb1")),
    "connect": ("load_markets", lambda client: client.connect()),
}


@pytest.mark.parametrize("operation", READS)
@pytest.mark.parametrize(
    "reply",
    [
        None,
        7,
        "text",
        [7],
        [{}],
        [None],
        {},
        {"info": {"balances": []}, "total": {"BTC": "x"}, "free": {}, "used": {"BTC": "x"}},
        [{**ORDER, "filled": "much"}],
        [{**ORDER, "id": None}],
        [{**ORDER, "filled": "NaN"}],
        [[1, "x", "1", "1", "1", "1"]],
        ccxt.RequestTimeout("slow"),
        ccxt.ExchangeError("odd"),
        RuntimeError("Session is closed"),
        AttributeError("no such thing"),
        IndexError("list index out of range"),
    ],
)
async def test_read_with_a_reply_that_makes_no_sense_fails_as_a_read(
    at: Client, operation: str, reply: object
) -> None:
    method, read = READS[operation]
    at.ccxt.replies[method] = reply
    answer: object = None
    with suppress(ReadFailed):
        answer = await read(at.client)
    assert not answer  # at most an empty one, and nothing else was raised


@pytest.mark.parametrize("operation", ["my_trades", "trades"])
@pytest.mark.parametrize("key", ["side", "price", "amount"])
async def test_trades_with_a_figure_missing_fail_as_a_read(
    at: Client, operation: str, key: str
) -> None:
    method, read = READS[operation]
    at.ccxt.replies[method] = [TRADE, {**TRADE, key: None}]
    with pytest.raises(ReadFailed, match=operation):
        await read(at.client)


async def test_read_with_a_good_reply_is_translated(at: Client) -> None:
    at.ccxt.replies = {"fetch_open_orders": [ORDER], "fetch_my_trades": [TRADE]}
    [report] = await at.client.open_orders(SYMBOL)
    assert (report.client_order_id, report.state) == ("cb1", OrderState.ACCEPTED)
    [fill] = await at.client.my_trades(SYMBOL)
    assert (fill.trade_id, fill.price) == ("t1", D(100))


async def test_find_order_with_an_order_the_exchange_does_not_know_is_none(at: Client) -> None:
    at.ccxt.replies["fetch_order"] = ccxt.OrderNotFound("no")
    assert await at.client.find_order(SYMBOL, "cb1") is None


async def test_connect_with_one_odd_market_takes_the_others(at: Client) -> None:
    limits = {
        "amount": {"min": "1", "max": None},
        "price": {"min": None, "max": None},
        "cost": {"min": "5", "max": None},
    }
    good = {
        "symbol": SYMBOL,
        "base": "BTC",
        "quote": "USDT",
        "spot": True,
        "precision": {"price": "0.01", "amount": "0.001"},
        "limits": limits,
    }
    at.ccxt.replies |= {
        "load_markets": {"odd": {"symbol": "ODD/USDT", "spot": True}, "worse": None, "good": good},
        "fetch_time": 1,
    }
    await at.client.connect()
    assert set(at.client.instruments) == {SYMBOL}


@pytest.mark.parametrize(
    "reply", [None, {}, [], {**ORDER, "id": None}, {**ORDER, "filled": "x"}, {"id": "7"}], ids=repr
)
async def test_write_with_a_reply_that_makes_no_sense_is_unknown(at: Client, reply: object) -> None:
    at.ccxt.replies |= {"create_order": reply, "cancel_order": reply}
    with pytest.raises(OutcomeUnknown):
        await at.client.place_order(REQUEST, OpenPermit())
    with pytest.raises(OutcomeUnknown):
        await at.client.cancel_order(SYMBOL, "cb1")


async def test_write_outside_the_gateway_is_stopped_as_not_sent(at: Client) -> None:
    at.ccxt.replies["create_order"] = FenceClosed("an order write outside the gateway was stopped")
    with pytest.raises(FenceClosed):
        await at.client.place_order(REQUEST, OpenPermit())
    assert at.requests == [("place_order", "not_sent")]


async def test_write_cancelled_by_its_caller_is_reported_as_unknown(at: Client) -> None:
    at.ccxt.replies["create_order"] = asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError):
        await at.client.place_order(REQUEST, OpenPermit())
    assert at.requests == [("place_order", "unknown")]


@pytest.mark.parametrize(
    ("method", "odd", "good"),
    [
        ("watch_orders", [{**ORDER, "filled": "much"}], [ORDER]),
        ("watch_orders", [None], [ORDER]),
        ("watch_my_trades", [{**TRADE, "side": None}], [TRADE]),
        ("watch_my_trades", [{**TRADE, "price": "x"}], [TRADE]),
    ],
)
async def test_own_reports_with_an_odd_update_go_on_and_say_there_was_a_gap(
    at: Client, method: str, odd: object, good: object
) -> None:
    updates = at.ccxt.updates.setdefault(method, asyncio.Queue())
    for update in (good, odd, good):
        updates.put_nowait(update)
    reports = at.client.watch_order_reports()
    async with asyncio.timeout(10):
        assert (await anext(reports)).exchange_order_id == "7"
        assert (await anext(reports)).exchange_order_id == "7"
    channel = "orders" if method == "watch_orders" else "fills"
    assert at.stream_events == [
        (channel, "connected", None),
        (channel, "disconnected", "malformed"),
        (channel, "connected", None),
    ]
    await reports.aclose()  # type: ignore[attr-defined]


GOOD_BOOK = {"symbol": SYMBOL, "bids": [["1", "2"]], "asks": [], "nonce": 1}


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        ({**GOOD_BOOK, "bids": [["x", "2"]]}, "malformed"),
        (Silenced("the exchange answered 429"), "error"),  # by the snapshot that ccxt reads
        (aiohttp.ClientConnectionError("gone"), "error"),
        (OSError("too many open files"), "error"),
        (RuntimeError("whatever it is"), "error"),
    ],
)
async def test_market_streams_with_an_odd_update_go_on(
    at: Client, odd: object, reason: str
) -> None:
    updates = at.ccxt.updates.setdefault("watch_order_book", asyncio.Queue())
    for update in (odd, GOOD_BOOK):
        updates.put_nowait(update)
    books = at.client.watch_book(SYMBOL)
    async with asyncio.timeout(10):
        assert (await anext(books)).bids[0].price == 1
    assert at.stream_events == [("book", "disconnected", reason), ("book", "connected", None)]
    await books.aclose()  # type: ignore[attr-defined]


async def test_read_in_a_ban_fails_in_words_for_people(at: Client) -> None:
    at.ccxt.replies["fetch_balance"] = Silenced("the exchange answered 418: silent until noon")
    with pytest.raises(ReadFailed) as failed:
        await at.client.balances()
    assert str(failed.value) == "balances: the exchange answered 418: silent until noon"
