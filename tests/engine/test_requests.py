from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals

import pytest

from cryptobot.control.protocol import ErrorCode, RpcError, Topic
from cryptobot.domain.mode import Mode
from cryptobot.domain.order import OrderType, Side, TimeInForce
from cryptobot.engine import requests
from cryptobot.engine.requests import Params, parse

ORDER: dict[str, object] = {
    "symbol": "BTC/USDT",
    "side": "buy",
    "type": "limit",
    "amount": "0.001",
    "price": "60000.10",
}


def test_place_order_with_strings_keeps_every_digit() -> None:
    order = parse(requests.PlaceOrder, {**ORDER, "time_in_force": "ioc"})
    assert (order.side, order.type, order.time_in_force) == (
        Side.BUY,
        OrderType.LIMIT,
        TimeInForce.IOC,
    )
    assert (str(order.amount), str(order.price)) == ("0.001", "60000.10")


def test_place_order_with_a_whole_number_takes_it_and_without_a_price_has_none() -> None:
    order = parse(requests.PlaceOrder, {**ORDER, "amount": 2, "price": None})
    assert (order.amount, order.price, order.expect_mode) == (D(2), None, None)


WRONG: list[tuple[type[Params], dict[str, object], str]] = [
    (requests.PlaceOrder, {**ORDER, "amount": 0.1}, "amount"),
    (requests.PlaceOrder, {**ORDER, "price": 60000.1}, "price"),
    (requests.PlaceOrder, {**ORDER, "amount": True}, "amount"),
    (requests.PlaceOrder, {**ORDER, "amount": "much"}, "amount"),
    (requests.PlaceOrder, {**ORDER, "amount": "NaN"}, "amount"),
    (requests.PlaceOrder, {**ORDER, "amount": "-Infinity"}, "amount"),
    (requests.PlaceOrder, {**ORDER, "amount": "1e999999"}, "amount"),
    (requests.PlaceOrder, {**ORDER, "price": "0e-999999"}, "price"),
    (requests.PlaceOrder, {**ORDER, "amount": "1" * 50_000}, "amount"),
    (requests.PlaceOrder, {**ORDER, "amount": None}, "amount"),
    (requests.PlaceOrder, {**ORDER, "amount": ["1"]}, "amount"),
    (requests.PlaceOrder, {**ORDER, "side": "hold"}, "side"),
    (requests.PlaceOrder, {**ORDER, "type": "stop"}, "type"),
    (requests.PlaceOrder, {**ORDER, "time_in_force": "GTX"}, "time_in_force"),
    (requests.PlaceOrder, {**ORDER, "symbol": "X" * 33}, "symbol"),
    (requests.PlaceOrder, {**ORDER, "leverage": 10}, "leverage"),
    (requests.PlaceOrder, {}, "amount"),
    (requests.OrderById, {"order_id": "A" * 32}, "order_id"),
    (requests.OrderById, {"order_id": "a" * 31}, "order_id"),
    (requests.OrderById, {"order_id": 7}, "order_id"),
    (requests.ListOrders, {"limit": 0}, "limit"),
    (requests.ListOrders, {"limit": 10_001}, "limit"),
    (requests.ListOrders, {"state": "lost"}, "state"),
    (requests.ListFills, {"limit": "many"}, "limit"),
    (requests.SetMode, {"mode": "demo", "reason": "r", "actor": "a"}, "mode"),
    (requests.SetMode, {"mode": "paper", "reason": "", "actor": "a"}, "reason"),
    (requests.SetMode, {"mode": "paper", "reason": "r" * 501, "actor": "a"}, "reason"),
    (requests.SetMode, {"mode": "paper", "reason": "r"}, "actor"),
    (requests.StartStrategy, {"name": "grid", "params": {"a": {}}}, "params"),
    (requests.Subscribe, {"topics": ["secrets"]}, "topics"),
    (requests.Subscribe, {"topics": "orders"}, "topics"),
    (requests.Candles, {"symbol": "BTC/USDT", "limit": 1501}, "limit"),
    (requests.Nothing, {"x": 1}, "x"),
]


@pytest.mark.parametrize(("kind", "params", "name"), WRONG)
def test_parse_with_a_bad_parameter_names_it_and_the_known_ones(
    kind: type[Params], params: dict[str, object], name: str
) -> None:
    with pytest.raises(RpcError) as refused:
        parse(kind, params)
    assert refused.value.code == ErrorCode.INVALID_PARAMS
    assert f"{name}" in refused.value.message
    assert "(parameters: " in refused.value.message
    assert "\n" not in refused.value.message
    assert len(refused.value.message) < 1000


def test_parse_with_several_bad_parameters_names_each() -> None:
    with pytest.raises(RpcError, match=r"side: .*; amount: "):
        parse(requests.PlaceOrder, {**ORDER, "side": 1, "amount": 0.5})


def test_parse_with_good_parameters_gives_values() -> None:
    assert parse(requests.Subscribe, {"topics": ["orders"]}).topics == [Topic.ORDERS]
    assert parse(requests.SetMode, {"mode": "live", "reason": "r", "actor": "a"}).mode is Mode.LIVE
    assert parse(requests.ListOrders, {}).limit == 200


@pytest.mark.parametrize(
    ("kind", "params", "words"),
    [
        (requests.OrderById, {"order_id": "X"}, "order_id: write the order's id: 32 hex digits"),
        (requests.PlaceOrder, {**ORDER, "request_id": "a b"}, "request_id: write 1 to 64 letters"),
        (requests.Candles, {"symbol": "X/Y", "timeframe": "1 m"}, "timeframe: write a number and"),
    ],
)
def test_text_of_a_wrong_form_is_answered_with_what_to_write(
    kind: type[Params], params: dict[str, object], words: str
) -> None:
    with pytest.raises(RpcError) as refused:
        parse(kind, params)
    assert words in refused.value.message
