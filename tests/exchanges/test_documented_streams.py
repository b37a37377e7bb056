"""Stream messages of which there is no recording, in the form that the exchanges document."""

from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals

import pytest

from cryptobot.domain.order import Liquidity, OrderState
from cryptobot.trading import ccxt_translation as translate
from cryptobot.trading.exchange_client import ExchangeClient
from tests.exchanges.orders import OWN_ID


@pytest.mark.parametrize("client", ["kraken"], indirect=True)
@pytest.mark.parametrize(
    ("status", "cumulative", "state"),
    [
        ("new", 0, OrderState.ACCEPTED),
        ("partially_filled", 0.2, OrderState.PARTIALLY_FILLED),
        ("canceled", 0.2, OrderState.CANCELED),
        ("canceled", 0, OrderState.CANCELED),
        ("expired", 0.2, OrderState.EXPIRED),
        ("filled", 0.5, OrderState.FILLED),
    ],
)
def test_kraken_execution_has_our_id_and_the_exact_filled_amount(
    client: ExchangeClient, status: str, cumulative: float, state: OrderState
) -> None:
    raw = client._reads.parse_ws_order(
        {
            "order_id": "EX-1",
            "order_userref": 0,
            "cl_ord_id": OWN_ID,
            "exec_type": status,
            "order_status": status,
            "symbol": "BTC/USDT",
            "side": "buy",
            "order_qty": 0.5,
            "cum_qty": cumulative,
            "cum_cost": cumulative * 60000,
            "avg_price": 60000.1,
            "timestamp": "2026-01-01T00:00:00.000000Z",
        }
    )
    report = translate.order_report({**raw, "trades": None}, None, 0)
    assert (report.client_order_id, report.exchange_order_id) == (OWN_ID, "EX-1")
    assert (report.state, report.filled) == (state, D(str(cumulative)))


@pytest.mark.parametrize("client", ["kraken"], indirect=True)
def test_kraken_trade_has_the_id_that_the_history_has(client: ExchangeClient) -> None:
    raw = client._reads.parse_ws_trade(
        {
            "order_id": "EX-1",
            "exec_id": "T-1",
            "exec_type": "trade",
            "symbol": "BTC/USDT",
            "side": "sell",
            "last_qty": 0.2,
            "last_price": 60000.1,
            "liquidity_ind": "t",
            "cost": 12000.02,
            "fees": [{"asset": "USDT", "qty": 31.2}],
            "timestamp": "2026-01-01T00:00:00.000000Z",
        }
    )
    fill = translate.fill(raw)
    assert (fill.trade_id, fill.exchange_order_id) == ("T-1", "EX-1")
    assert (fill.price, fill.amount) == (D("60000.1"), D("0.2"))
    assert (fill.fee, fill.fee_currency) == (D("31.2"), "USDT")
    assert fill.liquidity is Liquidity.TAKER


@pytest.mark.parametrize("client", ["okx"], indirect=True)
@pytest.mark.parametrize(("charged", "fee"), [("-0.0002", D("0.0002")), ("0.0001", D("-0.0001"))])
def test_okx_stream_fee_is_what_was_charged_and_a_rebate_is_negative(
    client: ExchangeClient, charged: str, fee: D
) -> None:
    order = client._reads.parse_order(
        {
            "instId": "BTC-USDT",
            "ordId": "EX-1",
            "clOrdId": OWN_ID,
            "side": "buy",
            "ordType": "limit",
            "state": "partially_filled",
            "sz": "0.5",
            "accFillSz": "0.2",
            "avgPx": "60000",
            "fillPx": "60000",
            "fillSz": "0.2",
            "fillTime": "1000",
            "fillFee": charged,
            "fillFeeCcy": "BTC",
            "fee": "-0.9",
            "feeCcy": "BTC",
            "tradeId": "7",
            "execType": "M",
        }
    )
    fill = translate.fill(client._reads.order_to_trade(order))
    assert (fill.fee, fill.fee_currency) == (fee, "BTC")
    assert fill.liquidity is Liquidity.MAKER
