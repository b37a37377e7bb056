from dataclasses import replace
from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals

import pytest

from cryptobot.domain.clock import NS_PER_S, ManualClock
from cryptobot.domain.order import Order, OrderState, Side
from cryptobot.trading.risk import Denial, Risk, RiskLimits

from .order_path import an_intent
from .scripted_venue import SYMBOL
from .test_order_tracker import an_order

LIMITS = RiskLimits(D(1_000), D(5_000), 3, 2)


def open_order(amount: str, **changes: object) -> Order:
    return replace(an_order(state=OrderState.ACCEPTED), amount=D(amount), **changes)  # type: ignore[arg-type]


def denied(
    amount: str = "1",
    *,
    price: str | None = "100",
    position: str = "0",
    orders: tuple[Order, ...] = (),
    side: Side = Side.BUY,
    limits: RiskLimits = LIMITS,
) -> str | None:
    denial: Denial | None = Risk(limits, ManualClock()).denial(
        an_intent(amount, side=side), None if price is None else D(price), D(position), orders
    )
    return None if denial is None else denial.code


@pytest.mark.parametrize(("amount", "code"), [("10", None), ("10.001", "max_order_notional")])
def test_order_notional_at_and_above_its_limit(amount: str, code: str | None) -> None:
    assert denied(amount) == code


@pytest.mark.parametrize(("position", "code"), [("49", None), ("49.001", "max_position_notional")])
def test_position_notional_at_and_above_its_limit(position: str, code: str | None) -> None:
    assert denied("1", position=position) == code
    assert denied("1", position=f"-{position}", side=Side.SELL) == code


@pytest.mark.parametrize(("pending", "code"), [("9", None), ("9.001", "max_position_notional")])
def test_position_with_open_orders_counts_what_they_may_still_fill(
    pending: str, code: str | None
) -> None:
    half_filled = open_order("18", filled=D(9))
    assert denied("1", position="40", orders=(open_order(pending),)) == code
    assert denied("1", position="40", orders=(half_filled,)) is None


def test_position_with_an_unknown_outcome_counts_it_as_if_it_filled() -> None:
    unknown = open_order("10", state=OrderState.UNRESOLVED)
    limits = replace(LIMITS, block_while_unresolved=False)
    assert denied("1", position="40", orders=(unknown,), limits=limits) == "max_position_notional"


def test_position_with_orders_of_the_other_side_or_symbol_ignores_them() -> None:
    others = (open_order("20", side=Side.SELL), open_order("20", symbol="ETH/USDT"))
    assert denied("1", position="49", orders=others) is None


def test_position_above_the_limit_may_still_shrink() -> None:
    assert denied("5", position="80", side=Side.SELL) is None
    assert denied("5", position="80") == "max_position_notional"


@pytest.mark.parametrize(("count", "code"), [(2, None), (3, "max_open_orders")])
def test_open_orders_below_and_at_their_limit(count: int, code: str | None) -> None:
    assert denied(orders=tuple(open_order("0.1") for _ in range(count))) == code


def test_no_limit_of_open_orders_with_zero_denies_all() -> None:
    assert denied(limits=replace(LIMITS, max_open_orders=0)) == "max_open_orders"


def test_price_with_none_known_denies() -> None:
    assert denied(price=None) == "no_price"


def test_rate_with_the_window_full_denies_until_ten_seconds_have_passed() -> None:
    clock = ManualClock()
    risk = Risk(LIMITS, clock)

    def code() -> str | None:
        denial = risk.denial(an_intent(), D(100), D(0), ())
        return None if denial is None else denial.code

    risk.sent(SYMBOL)
    assert code() is None
    clock.advance(NS_PER_S)
    risk.sent(SYMBOL)
    assert code() == "max_orders_per_10s"
    clock.advance(9 * NS_PER_S - 1)
    assert code() == "max_orders_per_10s"
    clock.advance(1)
    assert code() is None
    clock.set(clock.now_ns() - 3600 * NS_PER_S)  # the wall clock plays no part
    risk.sent(SYMBOL)
    assert code() == "max_orders_per_10s"


def test_denial_with_each_limit_names_the_setting_to_change() -> None:
    orders = tuple(open_order("0.1") for _ in range(3))
    risk = Risk(LIMITS, ManualClock())
    full = Risk(replace(LIMITS, max_orders_per_10s=0), ManualClock())
    for denial, setting in [
        (risk.denial(an_intent("11"), D(100), D(0), ()), "risk.max_order_notional"),
        (risk.denial(an_intent(), D(100), D(50), ()), "risk.max_position_notional"),
        (risk.denial(an_intent(), D(100), D(0), orders), "risk.max_open_orders"),
        (full.denial(an_intent(), D(100), D(0), ()), "risk.max_orders_per_10s"),
    ]:
        assert denial is not None
        assert setting in denial.reason
