"""Stop and take-profit orders: waiting, waking, and what they bind meanwhile."""

from dataclasses import replace
from typing import Any

import pytest

from cryptobot.domain.order import OrderState, OrderType, Side, TimeInForce
from cryptobot.matching.events import ExecutionKind
from cryptobot.matching.records import FeeSchedule, NewOrder, OrderRecord
from cryptobot.matching.refusal import Refusal, RefusalCode
from cryptobot.matching.trigger import RISES_TO, Trigger, TriggerKind

from .venue import BUY, SELL, SYMBOL, D, Venue, fills

STOP, PROFIT = TriggerKind.STOP_LOSS, TriggerKind.TAKE_PROFIT
FREE = FeeSchedule(maker=D(0), taker=D(0))


def venue(usdt: str = "100000") -> Venue:
    """A book at 99/101 whose last trade was at 100."""
    made = Venue(fees=FREE, usdt=usdt)
    made.book("99 x 5, 98 x 5", "101 x 5, 102 x 5")
    made.trade(BUY, "0.001", "100")
    made.events.clear()
    return made


def place(
    at: Venue,
    side: Side,
    kind: TriggerKind,
    stop: str,
    price: str | None = None,
    *,
    amount: str = "1",
    lifetime: TimeInForce = TimeInForce.GTC,
) -> OrderRecord:
    return at.engine.place(
        NewOrder(
            SYMBOL,
            side,
            OrderType.MARKET if price is None else OrderType.LIMIT,
            D(amount),
            None if price is None else D(price),
            lifetime,
            trigger=Trigger(kind, D(stop)),
        )
    )


def test_directions_are_those_of_the_documentation() -> None:
    assert {pair for pair, rises in RISES_TO.items() if rises} == {(STOP, BUY), (PROFIT, SELL)}
    assert len(RISES_TO) == 4


@pytest.mark.parametrize(("kind", "side"), RISES_TO)
def test_order_waits_until_a_trade_reaches_its_trigger(kind: TriggerKind, side: Side) -> None:
    rises = RISES_TO[kind, side]
    at = venue()
    stop, near, far = ("110", "109.99", "110.5") if rises else ("90", "90.01", "89.5")
    order = place(at, side, kind, stop)
    assert (order.state, order.is_waiting, order.working_ns) == (OrderState.ACCEPTED, True, None)
    at.trade(BUY, "0.001", near)
    assert at.now(order).is_waiting
    at.trade(BUY, "0.001", far)
    assert at.now(order).state is OrderState.FILLED
    assert at.now(order).working_ns is not None
    assert at.kinds() == [ExecutionKind.NEW, ExecutionKind.TRIGGERED, ExecutionKind.TRADE]


@pytest.mark.parametrize(("kind", "side"), RISES_TO)
def test_order_whose_trigger_is_reached_already_is_refused(kind: TriggerKind, side: Side) -> None:
    at = venue()
    with pytest.raises(Refusal) as error:
        place(at, side, kind, "99" if RISES_TO[kind, side] else "101")
    assert error.value.code is RefusalCode.WOULD_TRIGGER
    assert at.events == []


def test_change_of_the_book_alone_triggers_nothing() -> None:
    at = venue()
    order = place(at, SELL, STOP, "90")
    at.book("80 x 5", "81 x 5")
    assert at.now(order).is_waiting


def test_waiting_order_is_not_in_the_book() -> None:
    at = venue()
    place(at, SELL, STOP, "95", "94")
    assert at.public() == ("99 x 5, 98 x 5", "101 x 5, 102 x 5")
    assert at.last_event().depth == ()


@pytest.mark.parametrize(
    ("side", "stop", "price", "asset", "bound"),
    [
        (SELL, "95", None, "BTC", "2"),
        (SELL, "95", "94", "BTC", "2"),
        (BUY, "105", None, "USDT", "210"),
        (BUY, "105", "106", "USDT", "212"),
    ],
)
def test_waiting_order_binds_its_funds_and_a_cancel_frees_them(
    side: Side, stop: str, price: str | None, asset: str, bound: str
) -> None:
    at = venue()
    free, _ = at.funds(asset)
    order = place(at, side, STOP, stop, price, amount="2")
    assert at.funds(asset) == (free - D(bound), D(bound))
    assert at.engine.cancel(SYMBOL, order.order_id).state is OrderState.CANCELED
    assert at.funds(asset) == (free, D(0))
    at.trade(BUY, "0.001", stop)
    assert at.now(order).state is OrderState.CANCELED


def test_triggered_limit_order_rests_where_nothing_meets_it() -> None:
    at = venue()
    order = place(at, SELL, STOP, "95", "100")
    at.trade(SELL, "0.001", "95")
    assert at.now(order).state is OrderState.ACCEPTED
    assert at.public()[1] == "100 x 1, 101 x 5, 102 x 5"
    at.trade(BUY, "1", "100")
    assert fills(at.now(order)) == "100 x 1"


def test_triggered_limit_order_takes_first_and_rests_with_the_rest() -> None:
    at = venue()
    order = place(at, SELL, STOP, "95", "99", amount="6")
    at.trade(SELL, "0.001", "95")
    assert fills(at.now(order)) == "99 x 5"
    assert at.now(order).state is OrderState.PARTIALLY_FILLED
    assert at.funds("BTC") == (D(94), D(1))


@pytest.mark.parametrize(
    ("lifetime", "filled", "reason"),
    [(TimeInForce.IOC, "5", "unfilled"), (TimeInForce.FOK, "0", "fill_or_kill")],
)
def test_triggered_limit_order_keeps_its_time_in_force(
    lifetime: TimeInForce, filled: str, reason: str
) -> None:
    at = venue()
    order = place(at, SELL, STOP, "95", "99", amount="6", lifetime=lifetime)
    at.trade(SELL, "0.001", "95")
    after = at.now(order)
    assert (after.state, after.executed, after.reason) == (OrderState.EXPIRED, D(filled), reason)
    assert at.funds("BTC")[1] == 0


def test_triggered_market_buy_pays_what_its_fills_cost() -> None:
    at = venue(usdt="1000")
    place(at, BUY, STOP, "105", amount="6")  # binds 630
    assert at.funds("USDT") == (D(370), D(630))
    at.trade(BUY, "0.001", "105")
    assert at.funds("USDT") == (D(1000) - 5 * 101 - 102, D(0))


def test_triggered_market_buy_beyond_the_funds_expires_and_frees_them() -> None:
    at = venue(usdt="600")
    order = place(at, BUY, STOP, "110", amount="5")  # binds 550
    at.book("", "200 x 5")
    at.trade(BUY, "0.001", "110")
    after = at.now(order)
    assert (after.state, after.reason) == (OrderState.EXPIRED, "insufficient_funds")
    assert at.funds("USDT") == (D(600), D(0))


def test_triggered_market_order_on_an_empty_book_expires() -> None:
    at = venue()
    order = place(at, SELL, STOP, "95")
    at.book("", "101 x 1")
    at.trade(SELL, "0.001", "95")
    assert (at.now(order).state, at.now(order).reason) == (OrderState.EXPIRED, "unfilled")
    assert at.funds("BTC") == (D(100), D(0))


def test_own_trade_triggers_and_one_triggered_order_may_trigger_the_next() -> None:
    at = venue()
    first = place(at, SELL, STOP, "99", amount="5")
    second = place(at, SELL, STOP, "98")
    at.book("99 x 1, 98 x 4, 97 x 9", "101 x 5")
    at.market(SELL, "1")  # trades at 99: wakes the first, whose last fill at 97 wakes the second
    assert fills(at.now(first)) == "98 x 4, 97 x 1"
    assert fills(at.now(second)) == "97 x 1"


def test_orders_reached_together_go_oldest_first() -> None:
    at = venue()
    young_but_nearer = [place(at, SELL, STOP, stop).order_id for stop in ("90", "95")]
    at.trade(SELL, "0.001", "80")
    woken = [e.order.order_id for e in at.events if e.kind is ExecutionKind.TRIGGERED]
    assert woken == young_but_nearer


@pytest.mark.parametrize(
    ("stop", "more", "code"),
    [
        ("95.001", {}, RefusalCode.FILTER_PRICE),
        ("0", {}, RefusalCode.FILTER_PRICE),
        ("95", {"amount": None, "quote_amount": D(100)}, RefusalCode.FILTER_LOT),
        ("95", {"type": OrderType.LIMIT_MAKER, "price": D(101)}, RefusalCode.FILTER_PRICE),
        ("95", {"amount": D("0.01")}, RefusalCode.FILTER_NOTIONAL),
        ("95", {"amount": D(101)}, RefusalCode.INSUFFICIENT_FUNDS),
    ],
)
def test_bad_order_is_refused_and_changes_nothing(
    stop: str, more: dict[str, Any], code: RefusalCode
) -> None:
    at = venue()
    money = at.ledger.balances()
    terms = {"trigger": Trigger(STOP, D(stop))}
    with pytest.raises(Refusal) as error:
        at.engine.place(replace(NewOrder(SYMBOL, SELL, OrderType.MARKET, D(1)), **(terms | more)))
    assert error.value.code is code
    assert (at.ledger.balances(), at.events) == (money, [])
