"""What unmodified ccxt puts on the wire for our orders, by the exchanges' own documentation.

The tables below are written from the exchanges' documentation and not from ours: a wrong name in
the table of capabilities fails here.
"""

from contextlib import suppress

import pytest

from cryptobot.domain.errors import NotSent, OutcomeUnknown, ReadFailed
from cryptobot.trading.exchange import OrderRequest
from cryptobot.trading.exchange_client import ExchangeClient
from tests.exchanges.edge import SYMBOL, Arrived, Edge
from tests.exchanges.orders import (
    FILL_OR_KILL,
    IMMEDIATE,
    LIMIT,
    MARKET_BUY,
    MARKET_SELL,
    OWN_ID,
    POST_ONLY,
    OpenPermit,
)

PLACE = {
    "binance": ("POST", "/api/v3/order", {"symbol": "BTCUSDT", "newClientOrderId": OWN_ID}),
    "kraken": ("POST", "/0/private/AddOrder", {"pair": "XBTUSDT", "cl_ord_id": OWN_ID}),
    "okx": (
        "POST",
        "/api/v5/trade/batch-orders",
        {"instId": "BTC-USDT", "tdMode": "cash", "tgtCcy": "base_ccy", "clOrdId": OWN_ID},
    ),
    "bybit": (
        "POST",
        "/v5/order/create",
        {"category": "spot", "symbol": "BTCUSDT", "orderLinkId": OWN_ID},
    ),
}
"""Where orders go, and what all of them carry."""

ORDERS = {
    "limit buy": LIMIT,
    "market buy": MARKET_BUY,
    "market sell": MARKET_SELL,
    "post-only": POST_ONLY,
    "immediate or cancel": IMMEDIATE,
    "fill or kill": FILL_OR_KILL,
}

BINANCE = {
    "limit buy": "BUY LIMIT quantity=0.5 price=60000.25 timeInForce=GTC",
    "market buy": "BUY MARKET quantity=0.5",
    "market sell": "SELL MARKET quantity=0.5",
    "post-only": "SELL LIMIT_MAKER quantity=0.5 price=60000",
    "immediate or cancel": "SELL LIMIT quantity=0.5 price=60000 timeInForce=IOC",
    "fill or kill": "SELL LIMIT quantity=0.5 price=60000 timeInForce=FOK",
}
KRAKEN = {
    "limit buy": "buy limit volume=0.5 price=60000.25 timeinforce=GTC",
    "market buy": "buy market volume=0.5",  # in the base currency: no oflags=viqc
    "market sell": "sell market volume=0.5",
    "post-only": "sell limit volume=0.5 price=60000 oflags=post",
    "immediate or cancel": "sell limit volume=0.5 price=60000 timeinforce=IOC",
}
OKX = {
    "limit buy": "buy limit sz=0.5 px=60000.25",
    "market buy": "buy market sz=0.5",  # in the base currency: tgtCcy=base_ccy
    "market sell": "sell market sz=0.5",
    "post-only": "sell post_only sz=0.5 px=60000",
    "immediate or cancel": "sell ioc sz=0.5 px=60000",
    "fill or kill": "sell fok sz=0.5 px=60000",
}
BYBIT = {
    "limit buy": "Buy Limit qty=0.5 price=60000.25 timeInForce=GTC",
    "market buy": "Buy Market qty=0.5 marketUnit=baseCoin",
    "market sell": "Sell Market qty=0.5 marketUnit=baseCoin",
    "post-only": "Sell Limit qty=0.5 price=60000 timeInForce=PostOnly",
    "immediate or cancel": "Sell Limit qty=0.5 price=60000 timeInForce=IOC",
    "fill or kill": "Sell Limit qty=0.5 price=60000 timeInForce=FOK",
}
NAMES = {  # what side and type are called
    "binance": ("side", "type"),
    "kraken": ("type", "ordertype"),
    "okx": ("side", "ordType"),
    "bybit": ("side", "orderType"),
}
WIRE = {"binance": BINANCE, "kraken": KRAKEN, "okx": OKX, "bybit": BYBIT}
ROWS = [
    (exchange, exchange, name, row) for exchange, rows in WIRE.items() for name, row in rows.items()
]


def _expected(exchange: str, row: str) -> Arrived:
    method, path, always = PLACE[exchange]
    side, type_, *rest = row.split()
    values = dict(zip(NAMES[exchange], (side, type_), strict=True))
    values |= dict(item.split("=") for item in rest)
    return Arrived(method, path, {**always, **values})


async def _place(client: ExchangeClient, request: OrderRequest) -> None:
    with suppress(OutcomeUnknown):  # what is answered is no matter here
        await client.place_order(request, OpenPermit())


@pytest.mark.parametrize(("client", "exchange", "name", "row"), ROWS, indirect=["client"])
async def test_order_on_the_wire_has_the_exchanges_own_names_and_values(
    client: ExchangeClient, edge: Edge, exchange: str, name: str, row: str
) -> None:
    await _place(client, ORDERS[name])
    (arrived,) = edge.orders()
    if exchange == "binance":
        assert arrived.values.pop("newOrderRespType", "FULL") in {"FULL", "RESULT"}
    assert arrived == _expected(exchange, row)


@pytest.mark.parametrize("client", ["kraken"], indirect=True)
async def test_order_that_the_exchange_does_not_take_is_refused_before_the_wire(
    client: ExchangeClient, edge: Edge
) -> None:
    with pytest.raises(NotSent, match="kraken takes no FOK orders"):
        await client.place_order(FILL_OR_KILL, OpenPermit())
    assert edge.arrived == []


CANCEL = {
    "binance": ("DELETE", "/api/v3/order", {"symbol": "BTCUSDT", "origClientOrderId": OWN_ID}),
    "kraken": ("POST", "/0/private/CancelOrder", {"cl_ord_id": OWN_ID}),
    "okx": ("POST", "/api/v5/trade/cancel-order", {"instId": "BTC-USDT", "clOrdId": OWN_ID}),
    "bybit": (
        "POST",
        "/v5/order/cancel",
        {
            "category": "spot",
            "symbol": "BTCUSDT",
            "orderFilter": "Order",
            "orderLinkId": OWN_ID,
        },
    ),
}


@pytest.mark.parametrize(("client", "exchange"), [(e, e) for e in CANCEL], indirect=["client"])
async def test_cancel_on_the_wire_names_the_order_by_our_id_and_passes_the_fence(
    client: ExchangeClient, edge: Edge, exchange: str
) -> None:
    with suppress(OutcomeUnknown):
        await client.cancel_order(SYMBOL, OWN_ID)
    assert edge.arrived[0] == Arrived(*CANCEL[exchange])


LOOK_UP = {
    "binance": [("GET", "/api/v3/order", {"symbol": "BTCUSDT", "origClientOrderId": OWN_ID})],
    "kraken": [
        ("POST", "/0/private/OpenOrders", {"cl_ord_id": OWN_ID}),
        ("POST", "/0/private/ClosedOrders", {"cl_ord_id": OWN_ID}),
    ],
    "okx": [("GET", "/api/v5/trade/order", {"instId": "BTC-USDT", "clOrdId": OWN_ID})],
    "bybit": [
        (
            "GET",
            path,
            {"category": "spot", "symbol": "BTCUSDT", "orderLinkId": OWN_ID},
        )
        for path in ("/v5/order/realtime", "/v5/order/history")
    ],
}
NOTHING_FOUND = {
    "/api/v3/order": (400, '{"code":-2013,"msg":"Order does not exist."}'),
    "/0/private/OpenOrders": {"error": [], "result": {"open": {}}},
    "/0/private/ClosedOrders": {"error": [], "result": {"closed": {}, "count": 0}},
    "/api/v5/trade/order": {"code": "51603", "data": [], "msg": "Order does not exist"},
    "/v5/order/realtime": {"retCode": 0, "retMsg": "OK", "result": {"list": []}},
    "/v5/order/history": {"retCode": 0, "retMsg": "OK", "result": {"list": []}},
}


@pytest.mark.parametrize(("client", "exchange"), [(e, e) for e in LOOK_UP], indirect=["client"])
async def test_look_up_on_the_wire_names_the_order_by_our_id_everywhere_it_may_be(
    client: ExchangeClient, edge: Edge, exchange: str
) -> None:
    edge.replies |= NOTHING_FOUND
    assert await client.find_order(SYMBOL, OWN_ID) is None
    assert edge.orders() == [Arrived(*row) for row in LOOK_UP[exchange]]


THEIRS = "OTHER-1"
BY_THEIR_ID = {
    "binance": ("GET", "/api/v3/order", {"symbol": "BTCUSDT", "orderId": THEIRS}),
    "kraken": ("POST", "/0/private/QueryOrders", {"txid": THEIRS}),
    "okx": ("GET", "/api/v5/trade/order", {"instId": "BTC-USDT", "ordId": THEIRS}),
    "bybit": (
        "GET",
        "/v5/order/realtime",
        {"category": "spot", "symbol": "BTCUSDT", "orderId": THEIRS},
    ),
}


@pytest.mark.parametrize(("client", "exchange"), [(e, e) for e in BY_THEIR_ID], indirect=["client"])
async def test_look_up_by_their_id_on_the_wire_names_it(
    client: ExchangeClient, edge: Edge, exchange: str
) -> None:
    edge.replies |= NOTHING_FOUND
    edge.replies["/0/private/QueryOrders"] = {"error": ["EOrder:Unknown order"]}
    with suppress(ReadFailed):  # ccxt takes Kraken's "unknown" for a bad request
        assert await client.find_by_exchange_id(SYMBOL, THEIRS) is None
    [arrived] = edge.orders()
    assert (arrived.method, arrived.path) == BY_THEIR_ID[exchange][:2]
    assert arrived.values.items() >= BY_THEIR_ID[exchange][2].items()


@pytest.mark.parametrize("reply", [{}, {"result": {}}, (200, "<html>busy"), (502, "<html>"), []])
async def test_look_up_with_a_reply_that_says_nothing_is_no_not_found(
    client: ExchangeClient, edge: Edge, reply: object
) -> None:
    edge.replies |= dict.fromkeys(NOTHING_FOUND, reply)
    with pytest.raises(ReadFailed):
        await client.find_order(SYMBOL, OWN_ID)


@pytest.mark.parametrize("client", ["kraken", "bybit"], indirect=True)
async def test_look_up_with_a_second_list_unreadable_is_no_not_found(
    client: ExchangeClient, edge: Edge
) -> None:
    edge.replies |= NOTHING_FOUND
    edge.replies |= {"/0/private/ClosedOrders": {"result": {}}, "/v5/order/history": (502, "x")}
    with pytest.raises(ReadFailed):
        await client.find_order(SYMBOL, OWN_ID)
