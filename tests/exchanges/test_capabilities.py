"""The table itself, against ccxt and against our own ids."""

import random
from dataclasses import replace
from pathlib import Path

import ccxt
import ccxt.pro
import pytest

from cryptobot.domain.clock import ManualClock
from cryptobot.domain.errors import NotSent, ReadFailed
from cryptobot.domain.ids import IdSource, client_order_id
from cryptobot.domain.order import TimeInForce
from cryptobot.trading.capabilities import (
    CAPABILITIES,
    Capabilities,
    LookUp,
    Proof,
    capabilities_of,
)
from cryptobot.trading.exchange_client import ExchangeClient, ExchangeConfig
from tests.exchanges.edge import SYMBOL, Edge, client_of
from tests.exchanges.orders import LIMIT, OpenPermit

ROWS = list(CAPABILITIES.values())
EVERY_ROW = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.exchange)


@EVERY_ROW
def test_our_ids_fit_every_exchange_as_they_are(row: Capabilities) -> None:
    ids = IdSource(random.Random(7))
    for order_id in ["0" * 32, "f" * 32, *(ids.hex32() for _ in range(50))]:
        assert row.own_id().fits(client_order_id(order_id))


@pytest.mark.parametrize(
    ("exchange", "bad"),
    [
        ("binance", "x" * 37),
        ("binance", "a b"),
        ("kraken", "cb" + "g" * 30),
        ("kraken", "x" * 19),
        ("okx", "a" * 33),
        ("okx", "a-b"),
        ("bybit", "a" * 37),
        ("bybit", "a.b"),
        ("bybit", ""),
    ],
)
def test_id_that_an_exchange_does_not_take_is_stopped_before_the_wire(
    exchange: str, bad: str
) -> None:
    with pytest.raises(NotSent, match="takes no order id"):
        CAPABILITIES[exchange].order_params(replace(LIMIT, client_order_id=bad))


@EVERY_ROW
def test_row_agrees_with_what_ccxt_says_of_the_exchange(row: Capabilities) -> None:
    streaming = getattr(ccxt.pro, row.exchange)()
    assert streaming.has["createOrderWs"] or not row.order_by_websocket
    assert row.needs_password is streaming.requiredCredentials["password"]
    for step in row.own_id().look_ups:
        assert callable(getattr(streaming, step.method))


@EVERY_ROW
def test_row_takes_orders_by_websocket_only_where_that_is_proven(row: Capabilities) -> None:
    assert row.order_by_websocket is (row.proof is Proof.SIMULATOR)
    assert (row.websocket_refusal is None) is row.order_by_websocket


@EVERY_ROW
def test_row_can_trade_live_and_only_binance_has_no_limits(row: Capabilities) -> None:
    assert row.live_refusal is None
    assert (row.limits is None) == (row.proof is Proof.SIMULATOR) == (row.exchange == "binance")
    assert "\n" not in (row.limits or "")


def test_limits_say_in_one_line_what_is_weaker() -> None:
    assert CAPABILITIES["kraken"].limits == (
        "kraken: proven by request building and recorded messages only; answers are "
        "acknowledgements, states come by stream; no FOK orders"
    )


UNKNOWN = sorted(set(ccxt.exchanges) - set(CAPABILITIES))


def test_every_other_exchange_of_ccxt_is_for_paper_only_and_says_so() -> None:
    assert len(UNKNOWN) > 50
    for exchange in UNKNOWN:
        row = capabilities_of(exchange)
        assert row.live_refusal == row.limits
        assert str(row.limits).startswith(f"{exchange} trades on paper only: ")
        assert "\n" not in str(row.limits)
        with pytest.raises(NotSent):
            row.order_params(LIMIT)


async def test_exchange_for_paper_only_gets_neither_orders_nor_cancels(
    edge: Edge, tmp_path: Path
) -> None:
    async with client_of("kucoin", edge, tmp_path) as client:
        with pytest.raises(NotSent, match="kucoin trades on paper only"):
            await client.place_order(LIMIT, OpenPermit())
        with pytest.raises(NotSent, match="kucoin trades on paper only"):
            await client.cancel_order(SYMBOL, "cb1")
        with pytest.raises(ReadFailed, match="kucoin trades on paper only"):
            await client.find_order(SYMBOL, "cb1")
    assert edge.arrived == []


@EVERY_ROW
async def test_lower_one_of_setting_and_exchange_limits_the_orders(row: Capabilities) -> None:
    for setting in (1, 50, 100_000):
        client = ExchangeClient(ExchangeConfig(row.exchange, orders_per_10s=setting), ManualClock())
        assert client.traffic.budget.orders_per_10s == min(setting, row.orders_per_10s)
        await client.close()


@EVERY_ROW
async def test_keys_are_complete_only_with_the_passphrase_where_there_is_one(
    row: Capabilities,
) -> None:
    for password in (None, "phrase"):
        config = ExchangeConfig(row.exchange, api_key="k", secret="s", password=password)
        client = ExchangeClient(config, ManualClock())
        assert client.has_keys is (password is not None or not row.needs_password)
        await client.close()


@pytest.mark.parametrize(
    ("reply", "answered"),
    [
        ({"result": {"list": []}}, True),
        ({"result": {}}, False),
        ({"result": []}, False),
        ({}, False),
        (None, False),
        ("<html>", False),
    ],
)
def test_list_is_an_answer_only_where_the_reply_holds_it(reply: object, answered: bool) -> None:
    assert LookUp("m", "p", ("result", "list")).is_answer(reply) is answered


def test_times_in_force_are_all_but_those_the_exchange_lacks() -> None:
    lacking = {row.exchange: set(TimeInForce) - row.times_in_force for row in ROWS}
    assert {name: gone for name, gone in lacking.items() if gone} == {"kraken": {TimeInForce.FOK}}


def test_ccxt_is_the_version_that_the_table_was_read_from() -> None:
    """A newer one may name parameters otherwise: read the table again, then change this."""
    assert ccxt.__version__ == "4.5.90"
