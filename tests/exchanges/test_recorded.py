"""Recorded messages through ccxt's own parsers and ours: the report says what the message says.

The messages are read in place; the values expected are their own fields.
"""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cryptobot.domain.order import Fill, Liquidity, OrderReport, OrderState
from cryptobot.trading import ccxt_translation as translate
from cryptobot.trading.exchange_client import ExchangeClient
from tests.exchanges.edge import SYMBOL

pytestmark = pytest.mark.shared

Messages = dict[str, Any]


class Futures:
    """Stands where ccxt's websocket client does, which only wakes those who wait."""

    subscriptions: dict[str, Any] = {}  # noqa: RUF012 - ccxt reads it, nobody writes

    def resolve(self, *_: object) -> None:
        pass


def only(exchange: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("client", [exchange], indirect=True)


@pytest.fixture
def recorded(shared_dir: Path) -> Any:
    """A recorded message by its name, ``EXCHANGE/FILE``."""

    def read(name: str) -> Any:
        file = shared_dir / "exchange" / "fixtures" / f"nautilus_{name}.json"
        return json.loads(file.read_text())

    return read


def report_of(raw: Messages) -> OrderReport:
    return translate.order_report({**raw, "trades": None}, None, 0)


def milliseconds(report: OrderReport | Fill) -> int:
    return report.at_ns // 1_000_000


BINANCE_STATES = {
    "new": OrderState.ACCEPTED,
    "trade": OrderState.FILLED,
    "canceled": OrderState.CANCELED,
    "expired": OrderState.EXPIRED,
}


@only("binance")
@pytest.mark.parametrize("name", BINANCE_STATES)
def test_binance_execution_report(client: ExchangeClient, recorded: Any, name: str) -> None:
    message = recorded(f"binance/spot/user_data_json/execution_report_{name}")
    client._reads.handle_order_update(Futures(), message)
    (raw,) = client._reads.orders
    report = report_of(raw)
    assert report.state is BINANCE_STATES[name]
    assert report.client_order_id == message["c"]
    assert report.exchange_order_id == str(message["i"])
    assert (report.filled, report.cost) == (Decimal(message["z"]), Decimal(message["Z"]))
    assert milliseconds(report) == message["T"]
    if name == "trade":
        (trade,) = client._reads.myTrades
        fill = translate.fill(trade)
        assert (fill.trade_id, fill.exchange_order_id) == (str(message["t"]), str(message["i"]))
        assert (fill.price, fill.amount) == (Decimal(message["L"]), Decimal(message["l"]))
        assert (fill.fee, fill.fee_currency) == (Decimal(message["n"]), message["N"])
        assert fill.liquidity is Liquidity.MAKER
        assert message["m"]


@only("binance")
def test_binance_answer_with_fills(client: ExchangeClient, recorded: Any) -> None:
    message = recorded("binance/spot/http_json/new_order_full_response")
    report = translate.order_report(client._orders.parse_order(message), None, 0)
    assert report.state is OrderState.FILLED
    assert report.filled == Decimal(message["executedQty"])
    assert len(report.fills) == len(message["fills"])
    for fill, row in zip(report.fills, message["fills"], strict=True):
        assert (fill.trade_id, fill.fee) == (str(row["tradeId"]), Decimal(row["commission"]))
        assert (fill.price, fill.amount) == (Decimal(row["price"]), Decimal(row["qty"]))


@only("binance")
@pytest.mark.parametrize(
    ("name", "state"),
    [("order_response", OrderState.ACCEPTED), ("cancel_order_response", OrderState.CANCELED)],
)
def test_binance_order(client: ExchangeClient, recorded: Any, name: str, state: OrderState) -> None:
    message = recorded(f"binance/spot/http_json/{name}")
    report = report_of(client._reads.parse_order(message))
    assert (report.state, report.exchange_order_id) == (state, str(message["orderId"]))
    assert report.filled == Decimal(message["executedQty"])


@only("binance")
def test_binance_trade(client: ExchangeClient, recorded: Any) -> None:
    (message,) = recorded("binance/spot/http_json/account_trades_response")
    fill = translate.fill(client._reads.parse_trade(message))
    assert (fill.trade_id, fill.exchange_order_id) == (str(message["id"]), str(message["orderId"]))
    assert (fill.price, fill.amount) == (Decimal(message["price"]), Decimal(message["qty"]))
    assert (fill.fee, fill.fee_currency) == (Decimal(message["commission"]), "BNB")
    assert milliseconds(fill) == message["time"]


KRAKEN_STATES = {"open": OrderState.ACCEPTED, "closed": OrderState.FILLED}


@only("kraken")
@pytest.mark.parametrize("status", KRAKEN_STATES)
def test_kraken_orders(client: ExchangeClient, recorded: Any, status: str) -> None:
    listed = recorded(f"kraken/http_{status}_orders")["result"][status]
    for exchange_id, message in listed.items():
        raw = client._reads.parse_order({"id": exchange_id, **message})
        report = report_of(raw)
        assert (report.state, report.exchange_order_id) == (KRAKEN_STATES[status], exchange_id)
        assert report.filled == Decimal(message["vol_exec"])
        if message["descr"]["pair"] == "XBTUSDT":
            assert report.symbol == SYMBOL
        if report.filled:
            assert report.cost == Decimal(message["cost"])


@only("kraken")
def test_kraken_trades(client: ExchangeClient, recorded: Any) -> None:
    listed = recorded("kraken/http_trades_history")["result"]["trades"]
    for trade_id, message in listed.items():
        fill = translate.fill(client._reads.parse_trade({**message, "id": trade_id}))
        assert (fill.trade_id, fill.exchange_order_id) == (trade_id, message["ordertxid"])
        assert (fill.price, fill.amount) == (Decimal(message["price"]), Decimal(message["vol"]))
        assert (fill.fee, str(fill.side)) == (Decimal(message["fee"]), message["type"])
        assert (fill.liquidity is Liquidity.MAKER) is message["maker"]


@only("kraken")
def test_kraken_answers(client: ExchangeClient, recorded: Any) -> None:
    answer = recorded("kraken/http_add_order_spot")["result"]
    report = report_of(client._orders.parse_order(answer))
    assert report.state is OrderState.ACCEPTED
    assert [report.exchange_order_id] == answer["txid"]


OKX_STATES = {"ioc": OrderState.PARTIALLY_FILLED, "fok": OrderState.FILLED}


@only("okx")
@pytest.mark.parametrize("name", OKX_STATES)
def test_okx_order_stream(client: ExchangeClient, recorded: Any, name: str) -> None:
    update = recorded(f"okx/ws_orders_{name}")
    client._reads.handle_orders(Futures(), update)
    (message,) = update["data"]
    (raw,), (trade,) = client._reads.orders, client._reads.myTrades
    report, fill = report_of(raw), translate.fill(trade)
    assert (report.state, report.symbol) == (OKX_STATES[name], SYMBOL)
    assert report.client_order_id == message["clOrdId"]
    assert report.exchange_order_id == message["ordId"] == fill.exchange_order_id
    assert report.filled == Decimal(message["accFillSz"])
    assert report.cost == Decimal(message["accFillSz"]) * Decimal(message["avgPx"])
    assert milliseconds(report) == int(message["uTime"])
    assert (fill.trade_id, str(fill.side)) == (message["tradeId"], message["side"])
    assert (fill.price, fill.amount) == (Decimal(message["fillPx"]), Decimal(message["fillSz"]))
    assert fill.liquidity is Liquidity.TAKER
    assert message["execType"] == "T"


@only("okx")
def test_okx_trade_turns_the_sign_of_the_fee(client: ExchangeClient, recorded: Any) -> None:
    message = recorded("okx/http_transaction_detail")
    fill = translate.fill(client._reads.parse_trade(message))
    assert (fill.trade_id, fill.exchange_order_id) == (message["tradeId"], message["ordId"])
    assert (fill.price, fill.amount) == (Decimal(message["fillPx"]), Decimal(message["fillSz"]))
    assert (fill.fee, fill.fee_currency) == (-Decimal(message["fee"]), message["feeCcy"])
    assert milliseconds(fill) == int(message["ts"])


@only("okx")
def test_okx_answer(client: ExchangeClient, recorded: Any) -> None:
    message = recorded("okx/http_place_order_response")
    report = report_of(client._orders.parse_order(message, client._orders.market(SYMBOL)))
    assert (report.state, report.symbol) == (OrderState.ACCEPTED, SYMBOL)
    assert report.exchange_order_id == message["ordId"]
    assert report.client_order_id == message["clOrdId"]


BYBIT_STATES = {
    "ws_account_order": OrderState.CANCELED,
    "ws_account_order_filled": OrderState.FILLED,
    # Bybit says "Rejected", and half of it was filled before.
    "ws_account_order_partially_filled_rejected": OrderState.CANCELED,
    "http_get_order_partially_filled_rejected": OrderState.CANCELED,
    "http_get_orders_realtime": OrderState.ACCEPTED,
    "http_get_orders_history": OrderState.CANCELED,
}


@only("bybit")
@pytest.mark.parametrize("name", BYBIT_STATES)
def test_bybit_orders(client: ExchangeClient, recorded: Any, name: str) -> None:
    update = recorded(f"bybit/{name}")
    if name.startswith("ws"):
        client._reads.handle_order(Futures(), update)
        rows, parsed = update["data"], list(client._reads.orders)
    else:
        rows = update["result"]["list"]
        parsed = [client._reads.parse_order(row) for row in rows]
    assert len(parsed) == len(rows)
    for message, raw in zip(rows, parsed, strict=True):
        report = report_of(raw)
        assert report.state is BYBIT_STATES[name]
        assert report.client_order_id == message["orderLinkId"]
        assert report.exchange_order_id == message["orderId"]
        assert report.filled == Decimal(message["cumExecQty"])
        assert report.cost == Decimal(message["cumExecValue"])
        assert milliseconds(report) == int(message["updatedTime"])


@only("bybit")
@pytest.mark.parametrize("name", ["ws_account_execution", "http_get_executions"])
def test_bybit_trades(client: ExchangeClient, recorded: Any, name: str) -> None:
    update = recorded(f"bybit/{name}")
    if name.startswith("ws"):
        client._reads.handle_my_trades(Futures(), update)
        rows, parsed = update["data"], list(client._reads.myTrades)
    else:
        rows = update["result"]["list"]
        parsed = [client._reads.parse_trade(row, client._reads.market(SYMBOL)) for row in rows]
    for message, raw in zip(rows, parsed, strict=True):
        fill = translate.fill(raw)
        assert (fill.trade_id, fill.exchange_order_id) == (message["execId"], message["orderId"])
        assert fill.price == Decimal(message["execPrice"])
        assert fill.amount == Decimal(message["execQty"])
        assert fill.fee == Decimal(message["execFee"])
        assert (fill.liquidity is Liquidity.MAKER) is message["isMaker"]
        assert milliseconds(fill) == int(message["execTime"])
