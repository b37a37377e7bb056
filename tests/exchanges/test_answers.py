"""What the exchanges' good answers become, through unmodified ccxt."""

from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals
from pathlib import Path
from typing import Any

import pytest

from cryptobot.domain.errors import FenceClosed, NotSent, OutcomeUnknown, ReadFailed
from cryptobot.domain.order import OrderState
from cryptobot.trading.exchange_client import ExchangeClient
from tests.exchanges.edge import SYMBOL, Edge, client_of
from tests.exchanges.orders import LIMIT, MARKET_BUY, OWN_ID, OpenPermit

EXCEPT_BINANCE = pytest.mark.parametrize("client", ["kraken", "okx", "bybit"], indirect=True)


class ShutFence(OpenPermit):
    """Refuses at the last look."""

    def check(self) -> None:
        raise FenceClosed("the mode is paper")


PLACED = {
    "/0/private/AddOrder": {
        "error": [],
        "result": {"descr": {"order": "buy 0.5 XBTUSDT @ limit 60000.25"}, "txid": ["EX-1"]},
    },
    "/api/v5/trade/batch-orders": {
        "code": "0",
        "data": [{"clOrdId": OWN_ID, "ordId": "EX-1", "sCode": "0", "sMsg": "", "tag": ""}],
        "msg": "",
    },
    "/v5/order/create": {
        "retCode": 0,
        "retMsg": "OK",
        "result": {"orderId": "EX-1", "orderLinkId": OWN_ID},
    },
}
CANCEL_TAKEN = {
    "/0/private/CancelOrder": {"error": [], "result": {"count": 1}},
    "/api/v5/trade/cancel-order": {
        "code": "0",
        "data": [{"clOrdId": OWN_ID, "ordId": "EX-1", "sCode": "0", "sMsg": ""}],
        "msg": "",
    },
    "/v5/order/cancel": {
        "retCode": 0,
        "retMsg": "OK",
        "result": {"orderId": "EX-1", "orderLinkId": OWN_ID},
    },
}


def _kraken(own_id: str) -> dict[str, Any]:
    return {
        "cl_ord_id": own_id,
        "status": "canceled",
        "opentm": 1.0,
        "closetm": 2.0,
        "descr": {"pair": "XBTUSDT", "type": "buy", "ordertype": "limit", "price": "60000.25"},
        "vol": "0.5",
        "vol_exec": "0.2",
        "price": "60000.0",
        "cost": "12000",
        "fee": "1",
        "trades": ["T-1"],  # named, not told
    }


def _bybit(own_id: str) -> dict[str, Any]:
    return {
        "orderId": "EX-1",
        "orderLinkId": own_id,
        "symbol": "BTCUSDT",
        "side": "Buy",
        "orderType": "Limit",
        "orderStatus": "PartiallyFilledCanceled",
        "qty": "0.5",
        "cumExecQty": "0.2",
        "cumExecValue": "12000",
        "avgPrice": "60000",
        "createdTime": "1000",
        "updatedTime": "2000",
    }


OKX = {
    "instId": "BTC-USDT",
    "instType": "SPOT",
    "ordId": "EX-1",
    "clOrdId": OWN_ID,
    "side": "buy",
    "ordType": "limit",
    "state": "canceled",
    "sz": "0.5",
    "accFillSz": "0.2",
    "avgPx": "60000",
    "cTime": "1000",
    "uTime": "2000",
}
CANCELED_IN_PART = {
    "/0/private/OpenOrders": {"error": [], "result": {"open": {}}},
    "/0/private/ClosedOrders": {
        "error": [],
        "result": {"closed": {"EX-0": _kraken("cbother"), "EX-1": _kraken(OWN_ID)}, "count": 2},
    },
    "/api/v5/trade/order": {"code": "0", "data": [OKX], "msg": ""},
    "/v5/order/realtime": {"retCode": 0, "result": {"list": []}},
    "/v5/order/history": {"retCode": 0, "result": {"list": [_bybit("cbother"), _bybit(OWN_ID)]}},
}


@EXCEPT_BINANCE
async def test_acknowledged_order_is_accepted_and_known_by_both_ids(
    client: ExchangeClient, edge: Edge
) -> None:
    edge.replies |= PLACED
    report = await client.place_order(LIMIT, OpenPermit())
    assert (report.state, report.filled) == (OrderState.ACCEPTED, D(0))
    assert (report.client_order_id, report.exchange_order_id) == (OWN_ID, "EX-1")
    assert report.symbol == SYMBOL


@EXCEPT_BINANCE
async def test_order_at_a_shut_fence_never_arrives(client: ExchangeClient, edge: Edge) -> None:
    edge.replies |= PLACED
    with pytest.raises(FenceClosed):
        await client.place_order(LIMIT, ShutFence())
    assert edge.orders() == []


@EXCEPT_BINANCE
async def test_look_up_finds_our_order_among_others_and_what_it_filled(
    client: ExchangeClient, edge: Edge
) -> None:
    edge.replies |= CANCELED_IN_PART
    report = await client.find_order(SYMBOL, OWN_ID)
    assert report is not None
    assert (report.client_order_id, report.exchange_order_id) == (OWN_ID, "EX-1")
    assert (report.state, report.filled, report.cost) == (OrderState.CANCELED, D("0.2"), D(12000))
    assert report.fills == ()


@EXCEPT_BINANCE
async def test_acknowledged_cancel_is_followed_by_a_look_at_the_order(
    client: ExchangeClient, edge: Edge
) -> None:
    edge.replies |= CANCEL_TAKEN | CANCELED_IN_PART
    report = await client.cancel_order(SYMBOL, OWN_ID)
    assert (report.state, report.filled) == (OrderState.CANCELED, D("0.2"))


NOT_FOUND = {
    "/0/private/ClosedOrders": {"error": [], "result": {"closed": {}}},
    "/api/v5/trade/order": {"code": "51603", "data": [], "msg": "Order does not exist"},
    "/v5/order/history": {"retCode": 0, "result": {"list": []}},
}


@EXCEPT_BINANCE
@pytest.mark.parametrize(
    "after", [NOT_FOUND, dict.fromkeys(NOT_FOUND, (502, "<html>"))], ids=["gone", "unreadable"]
)
async def test_acknowledged_cancel_without_a_look_at_the_order_is_unknown(
    client: ExchangeClient, edge: Edge, after: dict[str, object]
) -> None:
    edge.replies |= CANCEL_TAKEN | CANCELED_IN_PART | after
    with pytest.raises(OutcomeUnknown, match="the cancel was taken"):
        await client.cancel_order(SYMBOL, OWN_ID)


@pytest.mark.parametrize("client", ["bybit"], indirect=True)
async def test_market_buy_on_a_classic_account_is_not_sent_instead_of_spending_quote(
    client: ExchangeClient, edge: Edge
) -> None:
    edge.replies["/v5/user/query-api"] = {"retCode": 0, "result": {"uta": 0, "unified": 0}}
    with pytest.raises(NotSent):
        await client.place_order(MARKET_BUY, OpenPermit())
    assert edge.orders() == []


@pytest.mark.parametrize("client", ["bybit"], indirect=True)
async def test_order_with_the_accounts_kind_unreadable_is_not_sent(
    client: ExchangeClient, edge: Edge
) -> None:
    edge.replies["/v5/user/query-api"] = (504, "<html>")
    with pytest.raises(NotSent):
        await client.place_order(LIMIT, OpenPermit())
    assert edge.orders() == []


@pytest.mark.parametrize("client", ["kraken"], indirect=True)
async def test_nonces_of_reads_and_writes_rise_together(client: ExchangeClient) -> None:
    drawn = [
        instance.incrementing_nonce()
        for _ in range(50)
        for instance in (client._orders, client._reads)
    ]
    assert drawn == sorted(set(drawn))


BALANCES = {
    "/api/v3/account": {"balances": [{"asset": "BTC", "free": "1.5", "locked": "0.5"}]},
    "/0/private/BalanceEx": {
        "error": [],
        "result": {"XXBT": {"balance": "2.0", "hold_trade": "0.5"}},
    },
    "/api/v5/account/balance": {
        "code": "0",
        "data": [{"details": [{"ccy": "BTC", "eq": "2", "availBal": "1.5", "frozenBal": "0.5"}]}],
    },
    "/v5/account/wallet-balance": {
        "retCode": 0,
        "result": {
            "list": [
                {
                    "accountType": "UNIFIED",
                    "coin": [{"coin": "BTC", "walletBalance": "2", "locked": "0.5"}],
                }
            ]
        },
    },
}


async def test_balances_are_read_exactly(client: ExchangeClient, edge: Edge) -> None:
    edge.replies |= BALANCES
    balances = await client.balances()
    assert {name: (held.free, held.locked) for name, held in balances.items()} == {
        "BTC": (D("1.5"), D("0.5"))
    }


@pytest.mark.parametrize("reply", [{}, {"retCode": 0, "code": "0", "error": []}, (502, "<html>")])
async def test_balance_reply_without_its_table_is_no_empty_account(
    client: ExchangeClient, edge: Edge, reply: object
) -> None:
    edge.replies |= dict.fromkeys(BALANCES, reply)
    with pytest.raises(ReadFailed):
        await client.balances()


async def test_connect_gives_both_instances_every_name_of_the_markets(
    edge: Edge, tmp_path: Path
) -> None:
    edge.replies["/0/public/Time"] = {"error": [], "result": {"unixtime": 1}}
    edge.replies["/0/public/AssetPairs"] = {
        "error": [],
        "result": {
            "XXBTZUSD": {
                "altname": "XBTUSD",
                "wsname": "XBT/USD",
                "base": "XXBT",
                "quote": "ZUSD",
                "pair_decimals": 1,
                "lot_decimals": 8,
                "ordermin": "0.0001",
                "costmin": "0.5",
                "tick_size": "0.1",
                "status": "online",
            }
        },
    }
    async with client_of("kraken", edge, tmp_path) as client:
        await client.connect()
        assert list(client.instruments) == ["BTC/USD"]
        for instance in (client._reads, client._orders):
            assert list(instance.options["marketsByAltname"]) == ["XBTUSD"]
