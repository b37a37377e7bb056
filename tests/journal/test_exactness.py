"""What goes in comes out, to the last digit, for any number and any text."""

import asyncio
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cryptobot.domain.mode import Mode
from cryptobot.domain.order import OrderState, OrderType, Side, TimeInForce
from cryptobot.journal.column_types import decimal_text
from cryptobot.journal.journal import Journal

from .samples import an_order

_numbers = st.decimals(allow_nan=False, allow_infinity=False) | st.sampled_from(
    [
        Decimal("1E+999999"),
        Decimal("-1E-999999"),
        Decimal("0E-50"),
        Decimal("-0"),
        Decimal("9" * 300),
    ]
)
_times = st.integers(min_value=-(2**63), max_value=2**63 - 1)
_text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
_changes = st.fixed_dictionaries(
    {
        "amount": _numbers,
        "price": st.none() | _numbers,
        "filled": _numbers,
        "cost": _numbers,
        "fees": st.dictionaries(_text, _numbers, max_size=3),
        "reason": st.none() | _text,
        "origin": _text,
        "exchange_order_id": st.none() | _text,
        "side": st.sampled_from(Side),
        "type": st.sampled_from(OrderType),
        "time_in_force": st.sampled_from(TimeInForce),
        "mode": st.sampled_from(Mode),
        "state": st.sampled_from(OrderState),
        "created_ns": _times,
        "updated_ns": _times,
        "answered_ns": st.none() | _times,
        "latency_ms": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "failed": st.booleans(),
    }
)


@given(_numbers)
def test_decimal_text_with_any_number_is_exact_short_and_one_for_equal_numbers(
    number: Decimal,
) -> None:
    text = decimal_text(number)
    assert Decimal(text) == number
    assert len(text) <= 140 + len(number.as_tuple().digits)
    # Other spellings of the same number, without rounding to a context's precision.
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    if abs(exponent) < 10_000:
        assert decimal_text(Decimal((sign, (*digits, 0, 0), exponent - 2))) == text


@pytest.mark.parametrize("bad", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_decimal_text_with_what_is_not_a_number_refuses(bad: str) -> None:
    with pytest.raises(ValueError, match="finite"):
        decimal_text(Decimal(bad))


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(batch=st.lists(_changes, min_size=1, max_size=5))
def test_record_with_any_order_reads_back_equal(
    exactness_loop: tuple[asyncio.AbstractEventLoop, Journal], batch: list[dict[str, object]]
) -> None:
    loop, journal = exactness_loop

    async def round_trip() -> None:
        orders = [an_order(**changes) for changes in batch]
        await asyncio.gather(*(journal.record(order, venue="x") for order in orders))
        for order in orders:
            assert await journal.order(order.order_id) == order

    loop.run_until_complete(round_trip())
